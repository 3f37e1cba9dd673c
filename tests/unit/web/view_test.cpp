#include "web/view.hpp"

#include <gtest/gtest.h>

namespace passerelle::web {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

const Messages& messages() {
  static const Messages loaded = *Messages::load();
  return loaded;
}

const Instant kNow = Instant(std::chrono::sys_days(std::chrono::year(2026) / 11 / 22) + hours(14));

std::string told(Instant at, std::string_view language = "en") {
  return relative(at, kNow, messages(), language);
}

TEST(View, times_are_told_from_now) {
  EXPECT_EQ(told(kNow), "just now");
  EXPECT_EQ(told(kNow + seconds(10)), "in a moment");
  EXPECT_EQ(told(kNow - minutes(5)), "5 min ago");
  EXPECT_EQ(told(kNow + minutes(89)), "in 89 min");
  EXPECT_EQ(told(kNow - hours(2), "fr"), "il y a 2 h");
  EXPECT_EQ(told(kNow + hours(24 * 3), "fr"), "dans 3 j");
}

TEST(View, lengths_are_short) {
  EXPECT_EQ(length_text(milliseconds(-5)), "0 ms");
  EXPECT_EQ(length_text(milliseconds(999)), "999 ms");
  EXPECT_EQ(length_text(milliseconds(12345)), "12 s");
  EXPECT_EQ(length_text(milliseconds(65000)), "1 min 05 s");
  EXPECT_EQ(length_text(hours(2) + minutes(5)), "2 h 05 min");
}

TEST(View, wrapped_things_become_text_in_the_readers_language) {
  const Json view = {{"a", say("time.ago.hours", {{"count", 3}})},
                     {"b", words({{"en", "Lab"}, {"fr", "Labo"}}, "lab")},
                     {"c", {words({{"de", "Labor"}}, "lab"), words({}, "lab")}},
                     {"d", moment(kNow - minutes(5))},
                     {"e", elapsed(seconds(3))},
                     {"f", say("time.ago.hours", {{"count", moment(kNow - minutes(5))}})}};
  const Json french = resolve(view, messages(), "fr", kNow);
  EXPECT_EQ(french["a"], "il y a 3 h");
  EXPECT_EQ(french["b"], "Labo");
  EXPECT_EQ(french["c"], Json({"Labor", "lab"}));
  EXPECT_EQ(french["d"]["iso"], "2026-11-22T13:55:00.000000Z");
  EXPECT_EQ(french["d"]["utc"], "2026-11-22 13:55 UTC");
  EXPECT_EQ(french["e"], Json({{"ms", 3000}, {"text", "3 s"}}));
  EXPECT_EQ(french["f"], "il y a il y a 5 min h");
  EXPECT_EQ(resolve(view, messages(), "en", kNow)["b"], "Lab");
}

TEST(View, causes_and_statuses_find_their_words) {
  EXPECT_EQ(resolve(why(Cause::out_of_memory), messages(), "fr", kNow)["title"], "Mémoire épuisée");
  EXPECT_EQ(why(Cause::out_of_memory)["code"], "out-of-memory");
  const Json teapot = resolve(status_words(418), messages(), "en", kNow);
  EXPECT_EQ(teapot["status"], 418);
  EXPECT_EQ(teapot["title"], messages().text("en", "error.400.title"));
  EXPECT_EQ(status_words(599)["title"], say("error.500.title"));
}

}  // namespace
}  // namespace passerelle::web
