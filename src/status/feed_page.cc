#include "status/feed_page.h"

#include <algorithm>

#include "storage/keys.h"

namespace godwit {
namespace {

constexpr char kVersion = 1;
constexpr std::size_t kPositionBytes = 2 + 8 + 8;

void append_number(std::string& out, std::uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(number >> shift));
}

}  // namespace

bool FeedPosition::before(const FeedEntry& entry) const {
  if (entry.seen != seen) return entry.seen;
  return entry.place() < std::pair(posted_ms, author);
}

std::string FeedPosition::encode() const {
  std::string bytes{kVersion, static_cast<char>(seen ? 1 : 0)};
  append_number(bytes, static_cast<std::uint64_t>(posted_ms));
  append_number(bytes, author.value);
  return bytes;
}

std::optional<FeedPosition> FeedPosition::decode(std::string_view bytes) {
  if (bytes.size() != kPositionBytes || bytes[0] != kVersion || static_cast<unsigned char>(bytes[1]) > 1) {
    return std::nullopt;
  }
  return FeedPosition{bytes[1] == 1, static_cast<std::int64_t>(seq_of_key(bytes.substr(0, 10))),
                      UserId(seq_of_key(bytes))};
}

std::vector<UserId> feed_authors(const StatusUser& viewer) {
  std::vector<UserId> authors;
  authors.reserve(viewer.feed().size());
  for (const FeedEntry& entry : viewer.feed()) authors.push_back(entry.author);
  std::sort(authors.begin(), authors.end());
  authors.erase(std::unique(authors.begin(), authors.end()), authors.end());
  return authors;
}

FeedPage make_feed_page(const StatusUser& viewer, const std::vector<UserId>& followed, const FeedRequest& request,
                        std::int64_t now_ms) {
  std::vector<UserId> shown;
  for (const UserId author : followed) {
    if (request.with_muted || !viewer.mutes(author)) shown.push_back(author);
  }
  FeedPage page;
  bool more = false;
  for (const bool seen : {false, true}) {
    for (auto it = viewer.feed().rbegin(); it != viewer.feed().rend(); ++it) {
      if (it->seen != seen || it->expires_ms <= now_ms) continue;
      if (!std::binary_search(shown.begin(), shown.end(), it->author)) continue;
      if (!seen) ++page.unseen;
      if (request.after && !request.after->before(*it)) continue;
      if (page.items.size() < request.limit) {
        page.items.push_back({*it, request.with_muted && viewer.mutes(it->author)});
      } else {
        more = true;
      }
    }
  }
  if (more) page.next = FeedPosition::of(page.items.back().entry);
  return page;
}

}  // namespace godwit
