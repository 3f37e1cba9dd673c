// What the adapters read from answers that real schedulers gave (tests/data/oar, tests/data/slurm),
// and the command lines that they make.
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spawners/batch/adapter.hpp"

namespace passerelle::spawners::batch {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::string content_of(const std::string& file) {
  std::ifstream stream(std::string(TEST_DATA) + "/" + file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

Answer answer_of(const std::string& system, const std::string& name) {
  for (const auto& one : nlohmann::json::parse(content_of(system + "/answers.json"))) {
    if (one.at("name") != name) continue;
    Answer answer;
    answer.status = one.at("rc");
    answer.out = one.at("stdout");
    answer.err = one.at("stderr");
    return answer;
  }
  ADD_FAILURE() << "no answer " << name;
  return {};
}

Job only(const std::string& file) {
  Answer answer;
  answer.out = content_of("oar/" + file + ".json");
  const auto jobs = oar().detailed(answer, 0);
  EXPECT_TRUE(jobs && jobs->size() == 1) << file;
  return jobs && jobs->size() == 1 ? jobs->front() : Job();
}

TEST(Oar, ReadsStates) {
  EXPECT_EQ(only("waiting_fJ").state, Job::State::queued);
  EXPECT_EQ(only("waiting_fJ").predicted->time_since_epoch().count(), 1795301065);
  EXPECT_EQ(only("hold_fJ").state, Job::State::held);
  EXPECT_EQ(only("suspended_fJ").state, Job::State::paused);
  const Job running = only("running_fJ");
  EXPECT_EQ(running.state, Job::State::running);
  EXPECT_EQ(running.host, "oarn1");
  EXPECT_EQ(running.ends->time_since_epoch().count(), 1795301007 + 300);
}

TEST(Oar, KnowsHowJobsEnd) {
  const Job deleted = only("final_error_oardel");
  EXPECT_EQ(deleted.end, Job::End::stopped);
  EXPECT_EQ(deleted.by, "alice");
  EXPECT_EQ(only("final_error_walltime").end, Job::End::walltime);
  EXPECT_EQ(only("final_error_besteffort_killed").end, Job::End::preempted);
  EXPECT_EQ(only("final_error_exterminated_node_crash").end, Job::End::stopped);
  EXPECT_EQ(only("final_terminated_exit3").exit_code, 3);
  EXPECT_EQ(only("final_terminated_no_command_exit127").exit_code, 127);
}

/// "No answer" is never "no job".
TEST(Oar, TellsSilenceFromNothing) {
  EXPECT_FALSE(oar().listed(answer_of("oar", "down_db_statJ")));
  Answer late;
  late.timed_out = true;
  EXPECT_FALSE(oar().listed(late));
  Answer cut;
  cut.out = content_of("oar/all_J.json").substr(0, 200);
  EXPECT_FALSE(oar().listed(cut));
  const auto nothing = oar().listed(Answer());
  ASSERT_TRUE(nothing);
  EXPECT_TRUE(nothing->empty());
  Answer all;
  all.out = content_of("oar/all_J.json");
  EXPECT_EQ(oar().listed(all)->size(), 2U);
}

Answer printed(std::string text) {
  Answer answer;
  answer.out = std::move(text);
  return answer;
}

TEST(Oar, CountsTheCoresThatNobodyHas) {
  const Answer nodes = printed(R"({"1": {"state": "Alive", "type": "default"},
    "2": {"state": "Alive", "type": "default"}, "3": {"state": "Alive", "type": "default"},
    "4": {"state": "Suspected", "type": "default"}, "5": {"state": "Alive", "type": "license"}})");
  // A container has two of them, and a job inside it one of these.
  const Answer jobs = printed(R"({"7": {"assigned_resources": [1, 2]},
    "8": {"assigned_resources": [2]}, "9": {"assigned_resources": []}, "10": {}})");
  const auto counted = oar().counted({nodes, jobs});
  ASSERT_TRUE(counted);
  ASSERT_EQ(counted->size(), 1U);
  EXPECT_EQ(counted->front().free, 1U);
  EXPECT_EQ(counted->front().all, 3U);
  EXPECT_EQ(oar().counted({nodes, Answer()})->front().free, 3U) << "no job at all";
  Answer late;
  late.timed_out = true;
  EXPECT_FALSE(oar().counted({nodes, late}));
  EXPECT_FALSE(oar().counted({printed("no JSON"), jobs}));
}

TEST(Slurm, CountsTheCoresOfEachPartition) {
  const auto counted = slurm().counted({printed("main|3/5/0/8\nshort|0/2/2/4\nodd line\n")});
  ASSERT_TRUE(counted);
  ASSERT_EQ(counted->size(), 2U);
  EXPECT_EQ(counted->at(0).name, "main");
  EXPECT_EQ(counted->at(0).free, 5U);
  EXPECT_EQ(counted->at(0).all, 8U);
  EXPECT_EQ(counted->at(1).all, 2U) << "what is down is not there";
}

TEST(Oar, SaysWhyAJobIsRefused) {
  const auto refused = [](const std::string& name) {
    const Submitted came = oar().submitted(answer_of("oar", name));
    EXPECT_EQ(came.kind, Submitted::Kind::refused) << name;
    return came.text;
  };
  EXPECT_EQ(refused("err_project"),
            "ERROR: project \"nosuch\" is unknown, use --project with one of: pr-hpc,pr-test");
  EXPECT_THAT(refused("err_too_many"), HasSubstr("not enough resources"));
  EXPECT_THAT(refused("err_bad_queue"), HasSubstr("queue nosuch does not exist"));
  const std::string property = refused("err_bad_prop");
  EXPECT_THAT(property, Not(HasSubstr("DBD")));
  EXPECT_THAT(property, Not(HasSubstr("LINE")));
  EXPECT_THAT(property, HasSubstr("please verify your request"));
  EXPECT_EQ(oar().submitted(answer_of("oar", "submit_reserve")).kind, Submitted::Kind::refused);
}

/// The job that the server's absence leaves may run later.
TEST(Oar, DoubtsWhatMayHaveLeftAJob) {
  EXPECT_EQ(oar().submitted(answer_of("oar", "down_alm_submit")).kind, Submitted::Kind::doubtful);
  Answer late;
  late.timed_out = true;
  EXPECT_EQ(oar().submitted(late).kind, Submitted::Kind::doubtful);
  const Submitted accepted = oar().submitted(answer_of("oar", "submit_ok"));
  EXPECT_EQ(accepted.kind, Submitted::Kind::accepted);
  EXPECT_EQ(accepted.job, "2");
}

Wish wish() {
  Wish made;
  made.name = "passerelle-abcdef-0123456789abcdef";
  made.walltime = "2:00:00";
  made.cores = "4";
  made.project = "pr-hpc";
  return made;
}

TEST(Oar, MakesOneArgumentOfOneValue) {
  Wish odd = wish();
  odd.properties = "gpumodel='A100'; touch /tmp/x";
  odd.types = {"besteffort"};
  odd.checkpoint = 60;
  EXPECT_THAT(
      oar().submit(odd, "/d", "/d/start"),
      ElementsAre("oarsub", "-n", odd.name, "-d", "/d", "-O", "/d/log", "-E", "/d/log", "-l",
                  "/nodes=1/core=4,walltime=2:00:00", "--project", "pr-hpc", "-p", odd.properties,
                  "-t", "besteffort", "--checkpoint", "60", "--signal", "12", "/d/start"));
}

TEST(Slurm, ReadsTheQueue) {
  Answer answer;
  answer.out =
      "5|PENDING|n/a|1795301065|1795301665|Priority|bob|passerelle-abcdef-0123456789abcdef\n"
      "6|PENDING|n/a|N/A|N/A|JobHeldUser|bob|a|b\n"
      "1|RUNNING|sln1|1795301007|1795301307|None|alice|odd name | with bars\n"
      "7|TIMEOUT|sln1|1795301007|1795301307|TimeLimit|alice|x\n"
      "8_1|RUNNING|sln1|1795301007|1795301307|None|alice|an array\n";
  const auto jobs = slurm().listed(answer);
  ASSERT_TRUE(jobs);
  ASSERT_EQ(jobs->size(), 4U);
  EXPECT_EQ((*jobs)[0].state, Job::State::queued);
  EXPECT_EQ((*jobs)[0].predicted->time_since_epoch().count(), 1795301065);
  EXPECT_EQ((*jobs)[0].reason, "Priority");
  EXPECT_EQ((*jobs)[1].state, Job::State::held);
  EXPECT_EQ((*jobs)[1].name, "a|b");
  EXPECT_FALSE((*jobs)[1].predicted);
  EXPECT_EQ((*jobs)[2].host, "sln1");
  EXPECT_EQ((*jobs)[2].ends->time_since_epoch().count(), 1795301307);
  EXPECT_EQ((*jobs)[3].end, Job::End::walltime);
}

TEST(Slurm, TellsSilenceFromNothing) {
  EXPECT_FALSE(slurm().listed(answer_of("slurm", "down_ctl_squeue")));
  const Submitted down = slurm().submitted(answer_of("slurm", "down_ctl_submit"));
  EXPECT_EQ(down.kind, Submitted::Kind::doubtful);
  EXPECT_FALSE(down.reached);
}

TEST(Slurm, SaysWhyAJobIsRefused) {
  const Submitted partition = slurm().submitted(answer_of("slurm", "err_partition"));
  EXPECT_EQ(partition.kind, Submitted::Kind::refused);
  EXPECT_THAT(partition.text, HasSubstr("Invalid partition name"));
  EXPECT_THAT(slurm().submitted(answer_of("slurm", "err_time")).text,
              HasSubstr("time limit is invalid"));
  EXPECT_EQ(slurm().submitted(answer_of("slurm", "sbatch_stdin")).job, "1");
}

TEST(Slurm, ReadsHowJobsEnd) {
  Answer answer;
  answer.out =
      "15|CANCELLED by "
      "1001|0:15|alice|None|a\n17|FAILED|3:0|alice|None|b\n18|NODE_FAIL|0:0|alice|None|c\n";
  const auto jobs = slurm().detailed(answer, 0);
  ASSERT_EQ(jobs->size(), 3U);
  EXPECT_EQ((*jobs)[0].end, Job::End::stopped);
  EXPECT_EQ((*jobs)[0].by, "1001");
  EXPECT_EQ((*jobs)[1].exit_code, 3);
  EXPECT_EQ((*jobs)[2].end, Job::End::node_lost);
  Answer shown;
  shown.out = content_of("slurm/scontrol_oneline.txt");
  EXPECT_EQ(slurm().detailed(shown, 1)->front().owner, "bob");
}

TEST(Slurm, EstimatesWithoutSubmitting) {
  const Argv argv = slurm().estimate(wish());
  EXPECT_EQ(argv[0], "sbatch");
  EXPECT_EQ(argv[1], "--test-only");
  EXPECT_THAT(argv, ::testing::Contains("--time=" + wish().walltime));
  EXPECT_TRUE(oar().estimate(wish()).empty());
  Answer answer;
  answer.err =
      "sbatch: Job 7 to start at 1795368909 using 1 processors on nodes sln1 in partition main\n";
  EXPECT_EQ(slurm().estimated(answer)->starts->time_since_epoch().count(), 1795368909);
  answer.err = "sbatch: something new\n";
  EXPECT_FALSE(slurm().estimated(answer)->starts);
  answer.status = 1;
  answer.err = "allocation failure: More processors requested than permitted\n";
  EXPECT_EQ(slurm().estimated(answer)->refused, "More processors requested than permitted");
  answer.err = "allocation failure: Unable to contact slurm controller (connect failure)\n";
  EXPECT_FALSE(slurm().estimated(answer));
  answer.timed_out = true;
  EXPECT_FALSE(slurm().estimated(answer));
}

TEST(Slurm, NeverRequeuesAndPassesNoEnvironment) {
  const Argv argv = slurm().submit(wish(), "/d", "/d/start");
  EXPECT_THAT(argv, ::testing::Contains("--no-requeue"));
  EXPECT_THAT(argv, ::testing::Contains("--export=NONE"));
  EXPECT_EQ(argv.back(), "--wrap=exec /d/start");
}

}  // namespace
}  // namespace passerelle::spawners::batch
