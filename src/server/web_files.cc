#include "server/web_files.h"

#include <xxhash.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace godwit {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob: "
    "mediastream:; font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'";

struct Kind {
  std::string_view ending;
  std::string_view type;
  bool shrinks;
};

constexpr std::array kKinds = {
    Kind{".html", "text/html; charset=utf-8", true},
    Kind{".js", "text/javascript; charset=utf-8", true},
    Kind{".css", "text/css; charset=utf-8", true},
    Kind{".json", "application/json", true},
    Kind{".webmanifest", "application/manifest+json", true},
    Kind{".svg", "image/svg+xml", true},
    Kind{".txt", "text/plain; charset=utf-8", true},
    Kind{".wasm", "application/wasm", true},
    Kind{".png", "image/png", false},
    Kind{".ico", "image/x-icon", false},
    Kind{".woff2", "font/woff2", false},
};

struct File {
  Kind kind;
  std::string body;
  std::string gzip;  // empty when it is not smaller
  std::string etag;
  std::string cache_control;
};

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string body{std::istreambuf_iterator<char>(in), {}};
  if (!in.good() && !in.eof()) throw std::runtime_error("the file " + path.string() + " cannot be read");
  return body;
}

std::string gzipped(const std::string& body) {
  z_stream stream{};
  constexpr int kGzip = 15 + 16;  // window bits, and the format
  if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kGzip, 8, Z_DEFAULT_STRATEGY) != Z_OK) return {};
  std::string out(deflateBound(&stream, body.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));
  stream.avail_in = static_cast<uInt>(body.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const bool done = deflate(&stream, Z_FINISH) == Z_STREAM_END;
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return done && out.size() < body.size() ? out : std::string();
}

std::string etag_of(const std::string& body) {
  char text[24];
  std::snprintf(text, sizeof text, "\"%016llx\"", static_cast<unsigned long long>(XXH3_64bits(body.data(), body.size())));
  return text;
}

net::HttpResponse respond(const File& file, const net::HttpRequest& request) {
  net::HttpResponse response;
  response.content_type = file.kind.type;
  response.headers = {{"Content-Security-Policy", std::string(kPolicy)},
                      {"Cross-Origin-Opener-Policy", "same-origin"},
                      {"Permissions-Policy", "camera=(self), microphone=(self), geolocation=()"},
                      {"Cache-Control", file.cache_control},
                      {"ETag", file.etag}};
  if (!file.gzip.empty()) response.headers.emplace_back("Vary", "Accept-Encoding");
  if (net::list_has_token(request.joined_header("If-None-Match"), file.etag)) {
    response.status = 304;
    return response;
  }
  if (!file.gzip.empty() && net::list_has_token(request.joined_header("Accept-Encoding"), "gzip")) {
    response.headers.emplace_back("Content-Encoding", "gzip");
    response.body = file.gzip;
  } else {
    response.body = file.body;
  }
  return response;
}

}  // namespace

void add_web_files(net::HttpRoutes& routes, const std::string& directory) {
  std::error_code error;
  const fs::path root(directory);
  if (!fs::is_regular_file(root / "index.html", error)) {
    throw std::runtime_error("there is no index.html in the folder of web files " + directory);
  }
  std::size_t files = 0;
  std::size_t bytes = 0;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root, error)) {
    if (!entry.is_regular_file() || entry.is_symlink()) continue;
    const std::string name = entry.path().lexically_relative(root).generic_string();
    const auto kind = std::find_if(kKinds.begin(), kKinds.end(), [&](const Kind& k) { return name.ends_with(k.ending); });
    if (kind == kKinds.end()) continue;
    auto file = std::make_shared<File>(File{*kind, read_file(entry.path()), {}, {}, {}});
    bytes += file->body.size();
    if (++files > kMaxWebFiles || bytes > kMaxWebBytes) {
      throw std::runtime_error("the folder of web files " + directory + " holds too much");
    }
    if (kind->shrinks) file->gzip = gzipped(file->body);
    file->etag = etag_of(file->body);
    file->cache_control = name.starts_with("assets/") ? "public, max-age=31536000, immutable" : "no-cache";
    const auto serve = [file = std::shared_ptr<const File>(std::move(file))](net::HttpRequest request, net::HttpReply reply) {
      reply(respond(*file, request));
    };
    routes.add("GET", "/" + name, serve);
    if (name == "index.html") routes.add("GET", "/", serve);
  }
  if (error) throw std::runtime_error("the folder of web files " + directory + " cannot be read: " + error.message());
}

}  // namespace godwit
