// A page of a viewer's feed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "status/status_user.h"

namespace godwit {

// Where a page ends: behind a status that was shown. What comes, goes or is seen meanwhile does not move it. It says
// nothing that its viewer may not know, so it is not signed.
struct FeedPosition {
  bool seen = false;
  std::int64_t posted_ms = 0;
  UserId author;

  static FeedPosition of(const FeedEntry& entry) { return {entry.seen, entry.posted_ms, entry.author}; }
  // Whether the entry comes behind it: those not seen first, each newest first.
  bool before(const FeedEntry& entry) const;

  std::string encode() const;
  // Nothing for bytes that are no position.
  static std::optional<FeedPosition> decode(std::string_view bytes);
};

struct FeedRequest {
  std::optional<FeedPosition> after;
  std::size_t limit = 50;
  bool with_muted = false;
};

struct FeedItem {
  FeedEntry entry;
  bool muted = false;
};

struct FeedPage {
  std::vector<FeedItem> items;
  std::optional<FeedPosition> next;  // none when there are no more
  std::uint32_t unseen = 0;          // on this and all other pages
};

// The authors of the feed, ascending, each once.
std::vector<UserId> feed_authors(const StatusUser& viewer);

// What has not expired, of authors in `followed` (ascending). Visits the whole feed: about 10 ns an entry.
FeedPage make_feed_page(const StatusUser& viewer, const std::vector<UserId>& followed, const FeedRequest& request,
                        std::int64_t now_ms);

}  // namespace godwit
