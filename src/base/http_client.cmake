# Apart from base, so that only who makes outgoing calls links TLS and pays for Beast.
godwit_library(http_client
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/http_client.cc
  DEPS godwit_base Boost::headers OpenSSL::SSL OpenSSL::Crypto Threads::Threads)
