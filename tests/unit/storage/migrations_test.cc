#include "storage/migrations.h"

#include <stdexcept>

#include "store_fixture.h"

namespace godwit {
namespace {

void nothing(const Store&, CheckpointRows&) {}
const Migration kSteps[] = {{1, nothing}, {2, nothing}, {3, nothing}};

TEST(MigrationsTest, path_holds_the_steps_between_in_order) {
  const auto path = migration_path(2, 4, kSteps);
  ASSERT_EQ(path.size(), 2u);
  EXPECT_EQ(path[0].from, 2u);
  EXPECT_EQ(path[1].from, 3u);
}

TEST(MigrationsTest, present_version_needs_no_step) {
  EXPECT_TRUE(migration_path(3, 3, kSteps).empty());
}

TEST(MigrationsTest, newer_version_and_missing_step_are_refused) {
  EXPECT_THROW(migration_path(5, 4, kSteps), std::runtime_error);
  EXPECT_THROW(migration_path(0, 4, kSteps), std::runtime_error);
  EXPECT_THROW(migration_path(3, 5, kSteps), std::runtime_error);
}

TEST(MigrationsTest, every_released_version_leads_to_the_present_one) {
  // 1 was never released.
  for (std::uint32_t version = 2; version <= kFormatVersion; ++version) {
    EXPECT_NO_THROW(migration_path(version, kFormatVersion, migrations())) << version;
  }
}

class StoreMigrationTest : public StoreFixture {};

TEST_F(StoreMigrationTest, opening_the_present_format_writes_nothing) {
  open();
  EXPECT_EQ(store_->get(Column::meta, "format"), std::to_string(kFormatVersion));
  const double written = metric("godwit_store_checkpoint_rows_total");
  open();
  EXPECT_EQ(metric("godwit_store_checkpoint_rows_total"), written);
  EXPECT_EQ(store_->get(Column::meta, "format"), std::to_string(kFormatVersion));
}

}  // namespace
}  // namespace godwit
