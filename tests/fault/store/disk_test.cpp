// A full or failing disk: writes are refused and never acknowledged, reads go on, and it heals by
// itself.
#include "store_fault.hpp"

namespace passerelle::store {
namespace {

using Fault = FailingDisk::Fault;

class DiskFault : public StoreFault, public testing::WithParamInterface<Fault> {};
INSTANTIATE_TEST_SUITE_P(Each,
                         DiskFault,
                         testing::Values(Fault::full, Fault::write_error, Fault::sync_error));

TEST_P(DiskFault, WritesAreRefusedReadsGoOnAndItHealsByItself) {
  ASSERT_TRUE(open(FailingDisk::kVfs));
  const User alice = enter("alice");
  ASSERT_TRUE(wait(store_->servers().put(server_of(alice, "before"))));
  FailingDisk::the().set(GetParam());
  const auto refused = wait(store_->servers().put(server_of(alice, "during")));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::unavailable);
  EXPECT_NE(refused.error().message().find("disk"), std::string::npos) << refused.error().message();
  EXPECT_FALSE(store_->writable());
  EXPECT_TRUE(wait(store_->servers().find(alice.id, "before")));
  EXPECT_EQ(wait(store_->servers().find(alice.id, "during")).error().code(), Errc::not_found);
  FailingDisk::the().set(Fault::none);
  EXPECT_TRUE(
      becomes([&] { return store_->writable(); }));  // nobody has written: it tried by itself
  ASSERT_TRUE(wait(store_->servers().put(server_of(alice, "after"))));
  ASSERT_TRUE(open(""));
  EXPECT_EQ(wait(store_->servers().all())->size(), 2U);
}

TEST_P(DiskFault, ANeighboursRefusalDoesNotStandWhenBothAreUndone) {
  ASSERT_TRUE(open(FailingDisk::kVfs));
  FailingDisk::the().set(GetParam());
  std::vector<Errc> codes;
  for (int i = 0; i < 20; ++i)
    asio::co_spawn(loop_, store_->users().enter(new_user("alice"), true),
                   [&](std::exception_ptr, Result<Entered> entered) {
                     codes.push_back(entered.error().code());
                   });
  run();
  EXPECT_EQ(codes, std::vector<Errc>(20, Errc::unavailable));  // never conflict: there is no alice
  FailingDisk::the().set(Fault::none);
  EXPECT_TRUE(wait(store_->users().enter(new_user("alice"), true)));
}

TEST_P(DiskFault, AuditAndActivityWaitForTheDisk) {
  ASSERT_TRUE(open(FailingDisk::kVfs));
  const User alice = enter("alice");
  ASSERT_TRUE(wait(store_->servers().put(server_of(alice, ""))));
  FailingDisk::the().set(GetParam());
  ASSERT_FALSE(wait(store_->servers().put(server_of(alice, "during"))));
  const Instant active(std::chrono::seconds(1'800'000'000));
  ASSERT_TRUE(wait(store_->servers().touch({{alice.id, "", active}})));
  AuditEvent event;
  for (int i = 0; i < 10'500; ++i) {
    event.target = std::to_string(i);
    store_->audit().append(event);
  }
  const std::uint64_t failures = store_->stats().failures;
  ASSERT_TRUE(becomes(
      [&] { return store_->stats().failures > failures + 1; }));  // what was taken early is back
  AuditLog::Query query;
  query.limit = 1;
  EXPECT_EQ(wait(store_->audit().query(query))->front().target, "10499");
  FailingDisk::the().set(Fault::none);
  ASSERT_TRUE(open(""));
  EXPECT_EQ(wait(store_->servers().find(alice.id, ""))->last_activity, active);
  query.limit = 1'000;
  std::size_t kept = 0;
  std::string oldest;
  for (auto page = wait(store_->audit().query(query)); !page->empty();
       page = wait(store_->audit().query(query))) {
    kept += page->size();
    oldest = page->back().target;
    query.before_id = page->back().id;
  }
  EXPECT_EQ(kept, 10'000U);  // the newest, each once
  EXPECT_EQ(oldest, "500");
}

TEST_F(StoreFault, AClosingStoreOnAFullDiskEnds) {
  ASSERT_TRUE(open(FailingDisk::kVfs));
  const User alice = enter("alice");
  FailingDisk::the().set(Fault::full);
  store_->audit().append({});
  store_.reset();
  FailingDisk::the().set(Fault::none);
  ASSERT_TRUE(open(""));
  EXPECT_TRUE(wait(store_->users().find(alice.id)));
}

}  // namespace
}  // namespace passerelle::store
