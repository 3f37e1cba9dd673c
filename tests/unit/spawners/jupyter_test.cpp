#include "spawners/jupyter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace passerelle::spawners {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Surrounding on_socket() {
  Surrounding place;
  place.workspace = "/w";
  place.socket = "/r/socket";
  return place;
}

TEST(JupyterOptions, BothWaysToWriteAServerAreKnown) {
  for (const std::vector<std::string>& command : {std::vector<std::string>{"jupyter", "lab"},
                                                  {"jupyter-lab"},
                                                  {"/opt/venv/bin/jupyter-server"}}) {
    const auto options = jupyter_options(command, "/user/a/", on_socket(), false);
    EXPECT_THAT(options, Contains("--ServerApp.base_url=/user/a/"));
    EXPECT_THAT(options, Contains("--ServerApp.sock=/r/socket"));
    EXPECT_THAT(options, Contains("--ServerApp.sock_mode=0600"));
    EXPECT_THAT(options, Contains("--ServerApp.root_dir=/w"));
    EXPECT_THAT(options, Not(Contains(HasSubstr("NotebookApp"))));
    EXPECT_THAT(options, Not(Contains(HasSubstr("allow_root"))));
  }
}

TEST(JupyterOptions, TheClassicNotebookGetsItsOwnNamesToo) {
  const auto options = jupyter_options({"jupyter", "notebook"}, "/user/a/", on_socket(), true);
  EXPECT_THAT(options, Contains("--NotebookApp.notebook_dir=/w"));
  EXPECT_THAT(options, Contains("--NotebookApp.allow_root=True"));
  EXPECT_THAT(options, Contains("--ServerApp.root_dir=/w"));
}

TEST(JupyterOptions, OverTcpThePortIsFixed) {
  Surrounding place;
  place.port = 8123;
  const auto options = jupyter_options({"jupyter-server"}, "/user/a/", place, false);
  EXPECT_THAT(options, Contains("--ServerApp.port=8123"));
  EXPECT_THAT(options, Contains("--ServerApp.port_retries=0"));
  EXPECT_THAT(options, Contains("--ServerApp.ip=127.0.0.1"));
  EXPECT_THAT(options, Not(Contains(HasSubstr(".sock"))));
}

TEST(JupyterOptions, NoOtherCommandIsTouchedAndNoTokenIsAnArgument) {
  for (const std::vector<std::string>& command : {std::vector<std::string>{},
                                                  {"jupyter"},
                                                  {"jupyter", "kernel"},
                                                  {"code-server"},
                                                  {"rstudio", "lab"}})
    EXPECT_THAT(jupyter_options(command, "/user/a/", on_socket(), false), IsEmpty());
  EXPECT_THAT(jupyter_options({"jupyter-lab"}, "/user/a/", on_socket(), false),
              Not(Contains(HasSubstr("token"))));
}

}  // namespace
}  // namespace passerelle::spawners
