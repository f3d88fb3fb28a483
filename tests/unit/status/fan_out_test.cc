// Posts to many, which reach their viewers in slices.
#include <future>

#include "journal/local_journal.h"
#include "status/status_service.h"
#include "status_fixture.h"

namespace godwit {
namespace {

class FanOutTest : public StatusFixture {
 protected:
  void SetUp() override {
    LocalJournalOptions options;
    options.directory = directory_ / "journal";
    options.min_free_bytes = 0;
    journal_ = std::make_unique<LocalJournal>(options, metrics_);
    writer_ = std::make_unique<RecordWriter>(*journal_, map_);
    StatusWiring wiring{worker_, map_, clock_, *store_, readers_, *writer_, {}, {}, {}, {}, {}, {}, {}};
    wiring.online = [](UserId) { return false; };
    wiring.tells_views = [](UserId) { return false; };
    wiring.push = [](UserId, std::string_view) {};
    service_ = std::make_unique<StatusService>(std::move(wiring), StatusOptions(), metrics_);
    worker_.add_end_of_turn([this] { service_->users().flush_loads(); });
    worker_.start();
  }
  void TearDown() override {
    worker_.stop();
    worker_.join();
    readers_.stop();
  }

  // Runs `fn` on the worker and waits for it.
  void run(std::function<void()> fn) {
    std::promise<void> done;
    worker_.post([&] {
      fn();
      done.set_value();
    });
    done.get_future().get();
  }
  void load(UserId user) {
    std::promise<void> loaded;
    worker_.post([&] { service_->with_user(user, [&](StatusUser&) { loaded.set_value(); }); });
    loaded.get_future().get();
  }

  RecordPtr posted(UserId author, std::uint32_t n, std::uint64_t first, std::uint64_t last) {
    const RecordPtr made = record();
    auto& post = *made->body.mutable_status_posted();
    post.set_author(author.value);
    post.set_id(id_of(n).str());
    post.set_expires_ms(clock_.wall_ms() + kDay);
    for (std::uint64_t viewer = first; viewer <= last; ++viewer) post.add_viewers(viewer);
    return made;
  }

  Worker worker_{0};
  ReaderPool readers_{1, metrics_};
  std::unique_ptr<LocalJournal> journal_;
  std::unique_ptr<RecordWriter> writer_;
  std::unique_ptr<StatusService> service_;
};

TEST_F(FanOutTest, A_viewer_who_posts_meanwhile_has_first_what_came_before) {
  const UserId last(9'000);
  load(last);
  run([&] {
    service_->applied(posted(kBob, 1, 5'000, last.value));
    const StatusUser& viewer = *service_->users().find(last);
    ASSERT_EQ(viewer.reference(kBob, id_of(1), clock_.wall_ms()), nullptr) << "reached at once: the test shows nothing";
    service_->applied(posted(last, 2, kBob.value, kBob.value));
    EXPECT_NE(viewer.reference(kBob, id_of(1), clock_.wall_ms()), nullptr);
    EXPECT_EQ(viewer.applied(), lsn_);
  });
  run([&] {
    service_->finish_fan_outs();
    EXPECT_EQ(service_->users().find(last)->applied(), lsn_) << "applied once more, out of order";
  });
}

TEST_F(FanOutTest, A_view_counts_behind_the_post_that_has_not_reached_its_author) {
  const UserId last(9'000);
  load(last);
  run([&] {
    service_->applied(posted(last, 2, kBob.value, kBob.value));
    service_->applied(posted(kBob, 1, 5'000, last.value));
    const RecordPtr viewed = record();
    auto& view = *viewed->body.mutable_status_viewed();
    view.set_viewer(kBob.value);
    view.set_author(last.value);
    view.set_id(id_of(2).str());
    view.set_shown(true);
    service_->applied(viewed);
    EXPECT_NE(service_->users().find(last)->reference(kBob, id_of(1), clock_.wall_ms()), nullptr);
    EXPECT_EQ(service_->users().find(last)->applied(), lsn_);
  });
}

}  // namespace
}  // namespace godwit
