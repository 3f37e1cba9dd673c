// The route table: which prefix wins, what a change does, and readers beside writers.
#include "proxy/route_table.hpp"

#include <thread>

#include <gtest/gtest.h>

namespace passerelle::proxy {
namespace {

std::shared_ptr<Route> route_to(std::string prefix, std::uint64_t tag = 0) {
  auto route = std::make_shared<Route>();
  route->prefix = std::move(prefix);
  route->tag = tag;
  return route;
}

std::string prefix_of(const std::shared_ptr<const Route>& route) {
  return route ? route->prefix : "none";
}

struct Row {
  const char* path;
  const char* prefix;
};

TEST(RouteTable, r25_finds_the_longest_prefix_on_segment_borders) {
  RouteTable table;
  for (const char* const prefix :
       {"/user/al/", "/user/alice/", "/user/alice/lab/", "/services/x/", "/user/f o/"}) {
    table.add(route_to(prefix));
  }
  const Row rows[] = {
      {"/user/alice/", "/user/alice/"},
      {"/user/alice", "/user/alice/"},
      {"/user/alice/api", "/user/alice/"},
      {"/user/alice/lab", "/user/alice/lab/"},
      {"/user/alice/lab/", "/user/alice/lab/"},
      {"/user/alice/lab/tree/a/b", "/user/alice/lab/"},
      {"/user/alice/labs", "/user/alice/"},
      {"/user/al", "/user/al/"},
      {"/user/al/x", "/user/al/"},
      {"/user/ali", "none"},
      {"/user/alicex/", "none"},
      {"/user/", "none"},
      {"/user", "none"},
      {"/", "none"},
      {"/hub/", "none"},
      {"//user/alice/", "none"},
      {"/user//alice/", "none"},
      {"/User/alice/", "none"},
      {"/user/%61lice/", "/user/alice/"},
      {"/user/%61lic%65", "/user/alice/"},
      {"/%75ser/alice/x%2Fy", "/user/alice/"},
      {"/user/alice/l%61b/x", "/user/alice/lab/"},
      {"/user/alice/lab%2F", "/user/alice/"},
      {"/user/alice/lab%2Fx", "/user/alice/"},
      {"/user/alice%2F", "none"},
      {"/user/%2561lice/", "none"},
      {"/user/f%20o/x", "/user/f o/"},
      {"*", "none"},
      {"", "none"},
  };
  for (const Row& row : rows) EXPECT_EQ(prefix_of(table.match(row.path)), row.prefix) << row.path;
  table.add(route_to("/"));
  EXPECT_EQ(prefix_of(table.match("/hub/")), "/");
  EXPECT_EQ(prefix_of(table.match("/user/alice%2F")), "/");
  EXPECT_EQ(prefix_of(table.match("/user/alice")), "/user/alice/");
}

TEST(RouteTable, closes_what_it_replaces_or_removes) {
  RouteTable table;
  const auto first = route_to("/a/", 1);
  const auto second = route_to("/a/", 2);
  table.add(first);
  EXPECT_FALSE(first->closed);
  table.add(first);
  EXPECT_FALSE(first->closed);
  table.add(second);
  EXPECT_TRUE(first->closed);
  EXPECT_EQ(table.match("/a/")->tag, 2U);
  EXPECT_TRUE(table.remove("/a/"));
  EXPECT_TRUE(second->closed);
  EXPECT_FALSE(table.remove("/a/"));
  EXPECT_EQ(table.match("/a/"), nullptr);
  EXPECT_EQ(table.exact("/a/"), nullptr);
}

TEST(RouteTable, closes_what_is_left_at_its_end) {
  const auto route = route_to("/a/");
  {
    RouteTable table;
    table.add(route);
  }
  EXPECT_TRUE(route->closed);
}

TEST(RouteTable, lists_and_finds_exactly) {
  RouteTable table;
  for (int i = 0; i < 1000; ++i)
    table.add(route_to("/user/u" + std::to_string(i) + "/", static_cast<std::uint64_t>(i)));
  EXPECT_EQ(table.all().size(), 1000U);
  EXPECT_EQ(table.exact("/user/u7/")->tag, 7U);
  EXPECT_EQ(table.exact("/user/u7"), nullptr);
  for (int i = 0; i < 1000; ++i) {
    const auto& route = table.match("/user/u" + std::to_string(i) + "/x");
    ASSERT_TRUE(route);
    EXPECT_EQ(route->tag, static_cast<std::uint64_t>(i));
  }
  for (int i = 0; i < 1000; i += 2) EXPECT_TRUE(table.remove("/user/u" + std::to_string(i) + "/"));
  EXPECT_EQ(table.all().size(), 500U);
  EXPECT_EQ(table.match("/user/u8/"), nullptr);
  EXPECT_EQ(table.match("/user/u9/")->tag, 9U);
}

TEST(RouteTable, keeps_two_tables_apart_in_one_thread) {
  RouteTable one;
  RouteTable two;
  one.add(route_to("/a/", 1));
  two.add(route_to("/a/", 2));
  EXPECT_EQ(one.match("/a/")->tag, 1U);
  EXPECT_EQ(two.match("/a/")->tag, 2U);
  EXPECT_EQ(one.match("/a/")->tag, 1U);
}

TEST(RouteTable, lets_readers_go_on_while_it_changes) {
  RouteTable table;
  table.add(route_to("/fixed/", 1));
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      while (!stop.load()) {
        const std::shared_ptr<const Route> fixed = table.match("/fixed/x");
        if (!fixed || fixed->tag != 1) ++wrong;
        const std::shared_ptr<const Route> moving = table.match("/moving/x");
        if (moving && moving->prefix != "/moving/") ++wrong;
        if (moving) moving->last_activity.fetch_add(1, std::memory_order_relaxed);
      }
    });
  }
  std::vector<std::thread> writers;
  for (int i = 0; i < 2; ++i) {
    writers.emplace_back([&table, i] {
      for (int round = 0; round < 2000; ++round) {
        table.add(route_to("/moving/"));
        table.add(route_to("/" + std::to_string(i) + "-" + std::to_string(round % 50) + "/"));
        table.remove("/moving/");
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  stop = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(wrong.load(), 0);
  EXPECT_EQ(table.all().size(), 101U);
}

}  // namespace
}  // namespace passerelle::proxy
