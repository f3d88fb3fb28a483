#include <rocksdb/db.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "store_fixture.h"

namespace godwit {
namespace {

using ::testing::AssertionFailure;
using ::testing::AssertionResult;
using ::testing::AssertionSuccess;

class StoreOpenTest : public StoreFixture {
 protected:
  static AssertionResult says(const std::string& message, const std::string& what) {
    if (message.find(what) != std::string::npos) return AssertionSuccess();
    return AssertionFailure() << "\"" << message << "\" does not say \"" << what << "\"";
  }

  // Runs `act` in a process of its own, after a byte has come through `go` (unless that is -1), and returns
  // what it returns.
  std::string in_child(int go, const std::function<void()>& meanwhile,
                       const std::function<std::string()>& act) {
    int out[2];
    EXPECT_EQ(::pipe(out), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      char byte = 0;
      if (go >= 0 && ::read(go, &byte, 1) != 1) ::_exit(1);
      const std::string text = act();
      const auto written = ::write(out[1], text.data(), text.size());
      ::_exit(written == static_cast<ssize_t>(text.size()) ? 0 : 1);
    }
    ::close(out[1]);
    meanwhile();
    std::string text;
    char buffer[512];
    for (ssize_t n = 0; (n = ::read(out[0], buffer, sizeof buffer)) > 0;) text.append(buffer, n);
    ::close(out[0]);
    ::waitpid(child, nullptr, 0);
    return text;
  }

  std::string file_with(const std::string& part) {
    for (const auto& entry : std::filesystem::directory_iterator(options_.directory)) {
      if (entry.path().string().find(part) != std::string::npos) return entry.path().string();
    }
    return {};
  }
};

TEST_F(StoreOpenTest, directory_of_another_user_is_refused) {
  ASSERT_EQ(::chmod(directory_.c_str(), 0755), 0);
  ASSERT_TRUE(std::filesystem::create_directory(options_.directory));
  ASSERT_EQ(::chmod(options_.directory.c_str(), 0555), 0);
  const std::string message = in_child(
      -1, [] {},
      [&] {
        if (::geteuid() == 0 && ::setuid(65534) != 0) return std::string("setuid failed");
        return open_error();
      });
  EXPECT_TRUE(says(message, "is not writable")) << message;
}

TEST_F(StoreOpenTest, directory_that_cannot_be_created_is_refused) {
  std::ofstream(directory_ + "/file") << "x";
  options_.directory = directory_ + "/file/data";
  EXPECT_TRUE(says(open_error(), "cannot be created"));
  options_.directory = directory_ + "/file";
  EXPECT_TRUE(says(open_error(), "is not a directory"));
}

TEST_F(StoreOpenTest, directory_in_use_by_another_process_is_refused) {
  int go[2];
  ASSERT_EQ(::pipe(go), 0);
  const std::string message = in_child(
      go[0],
      [&] {
        open();
        ASSERT_EQ(::write(go[1], "x", 1), 1);
      },
      [&] { return open_error(); });
  EXPECT_TRUE(says(message, "is in use by another process"));
  ::close(go[0]);
  ::close(go[1]);
}

TEST_F(StoreOpenTest, newer_format_is_refused_and_left_alone) {
  open();
  ASSERT_TRUE(commit(Column::meta, {{"format", "3"}}));
  close();
  EXPECT_TRUE(says(open_error(), "storage format 3, made by a newer program; this one reads up to 2"));
  EXPECT_TRUE(says(open_error(), "storage format 3")) << "the refusal itself changed nothing";
}

TEST_F(StoreOpenTest, unknown_column_family_is_refused) {
  open();
  close();
  std::vector<std::string> names;
  ASSERT_TRUE(rocksdb::DB::ListColumnFamilies({}, options_.directory, &names).ok());
  std::vector<rocksdb::ColumnFamilyDescriptor> columns;
  for (const auto& name : names) columns.emplace_back(name, rocksdb::ColumnFamilyOptions());
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* raw = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open({}, options_.directory, columns, &handles, &raw).ok());
  const std::unique_ptr<rocksdb::DB> db(raw);
  rocksdb::ColumnFamilyHandle* added = nullptr;
  ASSERT_TRUE(db->CreateColumnFamily({}, "hologram", &added).ok());
  handles.push_back(added);
  for (auto* handle : handles) ASSERT_TRUE(db->DestroyColumnFamilyHandle(handle).ok());
  ASSERT_TRUE(db->Close().ok());
  EXPECT_TRUE(says(open_error(), "column family \"hologram\", made by a newer program"));
}

TEST_F(StoreOpenTest, broken_manifest_is_refused_as_damage) {
  open();
  ASSERT_TRUE(commit(Column::user, {{"u", "v"}}));
  close();
  std::ofstream(file_with("MANIFEST"), std::ios::trunc) << "this is no manifest";
  EXPECT_TRUE(says(open_error(), "it is damaged"));
}

TEST_F(StoreOpenTest, missing_table_file_is_refused_as_damage) {
  open();
  ASSERT_TRUE(commit(Column::user, {{"u", "v"}}));
  close();
  ASSERT_TRUE(std::filesystem::remove(file_with(".sst")));
  EXPECT_TRUE(says(open_error(), "it is damaged"));
}

TEST_F(StoreOpenTest, missing_current_file_does_not_pass_for_a_new_store) {
  open();
  ASSERT_TRUE(commit(Column::user, {{"u", "v"}}));
  close();
  ASSERT_TRUE(std::filesystem::remove(options_.directory + "/CURRENT"));
  EXPECT_TRUE(says(open_error(), "the file CURRENT is missing"));
}

TEST_F(StoreOpenTest, malformed_meta_rows_are_refused_as_damage) {
  for (const char* key : {"format", "partitions", "applied"}) {
    options_.directory = directory_ + "/" + key;
    open();
    ASSERT_TRUE(commit(Column::meta, {{key, "12x"}}));
    if (std::string(key) == "applied") {
      // commit() writes the position itself; a later file takes its place.
      close();
      continue;
    }
    EXPECT_TRUE(says(open_error(), std::string("no valid row \"") + key + "\""));
  }
}

TEST_F(StoreOpenTest, files_of_a_checkpoint_that_was_cut_short_are_removed) {
  open();
  close();
  const std::string left = options_.directory + "/incoming/inbox.sst";
  std::ofstream(left) << "half a file";
  open();
  EXPECT_FALSE(std::filesystem::exists(left));
  EXPECT_TRUE(commit(Column::inbox, {{inbox_key(Partition(1), UserId(1), InboxSeq(1)), "v"}}));
}

TEST_F(StoreOpenTest, discovery_key_is_made_with_the_directory_and_stays) {
  const std::string key = open().discovery_key();
  EXPECT_EQ(key.size(), 32u);
  EXPECT_EQ(open().discovery_key(), key);
  ASSERT_TRUE(commit(Column::meta, {{"discovery_key", "12x"}}));
  EXPECT_TRUE(says(open_error(), "no valid row \"discovery_key\""));
  options_.directory = directory_ + "/other";
  EXPECT_NE(open().discovery_key(), key);
}

}  // namespace
}  // namespace godwit
