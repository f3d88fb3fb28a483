// The web client, or another, served as static files from the client port.
#pragma once

#include <string>

#include "net/http.h"

namespace godwit {

// Adds a GET route for each file below `directory`, which is read into memory once: at most kMaxWebFiles files and
// kMaxWebBytes. `index.html` is served as "/" as well; no further paths lead to it, since the place within a page stands
// behind the #, which the server never sees. Files below `assets/` have hashes in their names and may be kept for ever;
// the others are asked for anew each time (RFC 9111; with an ETag). What shrinks is sent in gzip (RFC 1952) to
// who takes it. The content security policy lets pages load from here alone, and no inline script or style.
//
// Throws std::runtime_error with a sentence for the operator.
void add_web_files(net::HttpRoutes& routes, const std::string& directory);

inline constexpr std::size_t kMaxWebFiles = 1'000;
inline constexpr std::size_t kMaxWebBytes = 64 << 20;

}  // namespace godwit
