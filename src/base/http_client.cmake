# Apart from base, so that only who makes outgoing calls links TLS and pays for Beast.
godwit_library(http_client
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/http_client.cc
  DEPS godwit_base Boost::headers OpenSSL::SSL OpenSSL::Crypto Threads::Threads)
# Beast's HTTP over TLS takes minutes to optimise, for a handful of calls an hour.
set_source_files_properties(${CMAKE_CURRENT_LIST_DIR}/http_client.cc PROPERTIES COMPILE_OPTIONS -O0)
