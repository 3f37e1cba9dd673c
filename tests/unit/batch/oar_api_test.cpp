// OAR's REST API in the words of its commands, and the scripts of a job that begins with nothing
// secret.
#include "spawners/batch/oar_api.hpp"

#include <gtest/gtest.h>

#include "spawners/batch/adapter.hpp"
#include "spawners/batch/kit.hpp"

namespace passerelle::spawners::batch {
namespace {

using nlohmann::json;

HttpResponse said(int status, const json& body) {
  return {status, {}, body.dump()};
}

json error(int code, const std::string& message) {
  return {{"code", code}, {"title", "Oar server error"}, {"message", message}};
}

TEST(OarApi, SaysWhatOarsubPrinted) {
  const auto good = answer_of_api(
      said(201, {{"id", 7}, {"cmd_output", "[ADMISSION RULE] Set default\nOAR_JOB_ID=7\n"}}));
  ASSERT_TRUE(good);
  EXPECT_EQ(oar().submitted(*good).kind, Submitted::Kind::accepted);
  EXPECT_EQ(oar().submitted(*good).job, "7");

  const auto few = answer_of_api(
      said(400, error(400,
                      "Oarsub command exited with status 8: There are not enough resources "
                      "for your request\nOAR_JOB_ID=-5\n\nCmd:\noarsub  --name=\\\"x\\\"")));
  ASSERT_TRUE(few);
  const Submitted refused = oar().submitted(*few);
  EXPECT_EQ(refused.kind, Submitted::Kind::refused);
  EXPECT_EQ(refused.text, "There are not enough resources for your request");

  // Almighty is down: an id is printed all the same, and such a job may run later
  const auto down = answer_of_api(
      said(500, error(500,
                      "Oarsub command exited with status 9: OAR_JOB_ID=8\ncannot contact the "
                      "server\nCmd:\noarsub")));
  ASSERT_TRUE(down);
  EXPECT_EQ(oar().submitted(*down).kind, Submitted::Kind::doubtful);
  EXPECT_EQ(oar().submitted(*down).job, "8");

  const auto other = answer_of_api(
      said(400, error(400,
                      "Oardel command exited with status 256: Cannot frag 1 ; You are not the "
                      "right user.\n. (Command was: oardel 1).")));
  ASSERT_TRUE(other);
  EXPECT_EQ(other->status, 1);
}

TEST(OarApi, TellsRefusalFromSilence) {
  EXPECT_EQ(answer_of_api({403, {}, "<html>"}).error().code(), Errc::forbidden);
  EXPECT_EQ(answer_of_api(said(401, error(401, "no"))).error().code(), Errc::forbidden);
  EXPECT_EQ(answer_of_api(said(500, error(500, "Cannot connect to the database"))).error().code(),
            Errc::unavailable);
  EXPECT_EQ(answer_of_api({502, {}, ""}).error().code(), Errc::unavailable);
  const auto odd = answer_of_api(said(500, error(500, "exited with status x: y")));
  EXPECT_EQ(odd.error().code(), Errc::unavailable);
  EXPECT_EQ(answer_of_api(said(500, error(500, "exited with status 99999999: y"))).error().code(),
            Errc::unavailable);
}

TEST(OarApi, ReadsListsWholeOrNotAtAll) {
  const json one = {{"id", 4}, {"state", "Waiting"}, {"name", "n"}, {"owner", "o"}};
  const auto list = list_of_api(said(200, {{"items", {one}}, {"total", 1}}), "id");
  ASSERT_TRUE(list);
  const auto jobs = oar().listed(*list);
  ASSERT_TRUE(jobs);
  ASSERT_EQ(jobs->size(), 1U);
  EXPECT_EQ(jobs->front().id, "4");
  EXPECT_EQ(jobs->front().state, Job::State::queued);

  const auto none = list_of_api(said(200, {{"items", json::array()}, {"total", 0}}), "id");
  ASSERT_TRUE(none);
  EXPECT_TRUE(oar().listed(*none)->empty());

  const auto is_silence = [](const HttpResponse& response) {
    return list_of_api(response, "id").error().code() == Errc::unavailable;
  };
  EXPECT_TRUE(is_silence(said(200, {{"items", {one}}, {"total", 2}})));
  EXPECT_TRUE(is_silence(said(200, json::array())));
  EXPECT_TRUE(is_silence({200, {}, ""}));
  EXPECT_TRUE(is_silence(said(200, {{"items", {{{"id", "four"}}}}, {"total", 1}})));
  EXPECT_TRUE(is_silence(said(500, error(500, "Cannot connect to the database"))));
  EXPECT_TRUE(is_silence(said(500, error(500, "Oarstat command exited with status 25: x"))));
}

TEST(OarApi, ActsForNamesThatItKeepsWhole) {
  for (const char* good : {"alice", "Alice_2", "_x"}) EXPECT_TRUE(is_account_of_api(good)) << good;
  for (const char* bad : {"", "jean.dupont", "psl-alice", "a@b", "a b", "a/..", "\xC3\xA9"})
    EXPECT_FALSE(is_account_of_api(bad)) << bad;
}

TEST(OarApi, NeverAsksForAnybodyElse) {
  config::BatchSpawner settings;
  settings.api_url = "https://127.0.0.1:9/oarapi";  // nobody is there
  const OarApi api(settings);
  const json order = {{"verb", "delete"}, {"job", "4"}};
  for (const char* bad : {"root", "oar", "daemon", "jean.dupont"}) {
    const auto answer = api.carry(order, bad, std::chrono::seconds(2));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().cause(), Cause::values_invalid) << bad;
  }
  for (const json& odd : {json{{"verb", "delete"}, {"job", "4/../5"}},
                          json{{"verb", "clean"}, {"launch", ".."}}, json{{"verb", "rm"}}})
    EXPECT_EQ(api.carry(odd, "nobody_here", std::chrono::seconds(2)).error().code(),
              Errc::forbidden)
        << odd;
  EXPECT_EQ(api.carry(order, "nobody_here", std::chrono::seconds(2)).error().code(),
            Errc::unavailable);
}

TEST(Kit, IsAllThatTheHelperWouldLayOut) {
  const json wish = to_json({.name = "n", .walltime = "1:00:00"});
  const json order = {{"system", "oar"},
                      {"verb", "submit"},
                      {"user", "alice"},
                      {"launch", "0123456789abcdef"},
                      {"wish", wish},
                      {"command", {"jupyter-server", "--port=\x01"}},
                      {"prologue", {"echo it's"}},
                      {"environment", {{"JUPYTER_TOKEN", "se'cret"}}},
                      {"settings", {{"URL", "https://x/"}, {"WORMHOLE", ""}}},
                      {"files", {{"hdr", "X-Passerelle-Key: k\n"}}}};
  const auto kit = kit_of(order);
  ASSERT_TRUE(kit) << kit.error().message();
  for (const char* part : {">settings\n", ">command\n", ">hdr\n", ">start\n", "exec sh", "$PORT"})
    EXPECT_NE(kit->find(part), std::string::npos) << part;
  EXPECT_EQ(kit->find(">relay\n"), std::string::npos);
  json hidden = order;
  hidden["settings"]["WORMHOLE"] = "1";
  EXPECT_NE(kit_of(hidden)->find(">relay\n"), std::string::npos);
  json odd = order;
  odd["files"]["../x"] = "";
  EXPECT_FALSE(kit_of(odd));

  const std::string script = fetch_script("https://gateway/it's", "");
  EXPECT_NE(script.find("url='https://gateway/it'\\''s'\n"), std::string::npos) << script;
  EXPECT_TRUE(is_proof(std::string(64, 'a')));
  EXPECT_FALSE(is_proof(std::string(63, 'a')));
  EXPECT_FALSE(is_proof(std::string(64, 'A')));
}

}  // namespace
}  // namespace passerelle::spawners::batch
