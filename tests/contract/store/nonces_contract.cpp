// NonceStore: once is once, over a restart too; what is over makes room.
#include "store_contract.hpp"

namespace passerelle::store {
namespace {

constexpr std::size_t kMany = 1000;

Instant at(int second) {
  return from_micros(std::int64_t{1'700'000'000} * 1'000'000) + seconds(second);
}

TEST_P(StoreContract, ANonceCountsOnce) {
  EXPECT_TRUE(*wait(store_->nonces().use("a", "n", at(0), at(600), kMany)));
  EXPECT_FALSE(*wait(store_->nonces().use("a", "n", at(1), at(600), kMany)));
  EXPECT_TRUE(*wait(store_->nonces().use("b", "n", at(1), at(600), kMany)));
  reopen();
  EXPECT_FALSE(*wait(store_->nonces().use("a", "n", at(599), at(1200), kMany)));
}

TEST_P(StoreContract, NoncesAreBoundedAndForgotten) {
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(*wait(store_->nonces().use("a", std::to_string(i), at(0), at(600), 3)));
  EXPECT_EQ(wait(store_->nonces().use("a", "3", at(1), at(600), 3)).error().code(),
            Errc::exhausted);
  EXPECT_TRUE(*wait(store_->nonces().use("b", "3", at(1), at(600), 3)));
  EXPECT_TRUE(*wait(store_->nonces().use("a", "3", at(601), at(1200), 3)));
}

}  // namespace
}  // namespace passerelle::store
