#include "hub/kernels.hpp"

#include <gtest/gtest.h>

namespace passerelle::hub {
namespace {

constexpr int kOk = 200;

TEST(Kernels, OneThatComputesIsEnough) {
  EXPECT_EQ(read_kernels(kOk, R"([{"id": "a", "execution_state": "idle"},
                                  {"id": "b", "execution_state": "busy"}])"),
            KernelWork::busy);
  EXPECT_EQ(read_kernels(kOk, R"([{"id": "a", "execution_state": "idle"}])"), KernelWork::none);
  EXPECT_EQ(read_kernels(kOk, "[]"), KernelWork::none);
}

TEST(Kernels, WhatIsNoJupyterServerHasNone) {
  EXPECT_EQ(read_kernels(404, R"([{"execution_state": "busy"}])"), KernelWork::none);
  EXPECT_EQ(read_kernels(302, ""), KernelWork::none);
  for (const char* body : {"", "<html>", "{\"execution_state\": \"busy\"}", "[1, null, \"busy\"]",
                           R"([{"execution_state": 3}])", R"([["busy"]])"})
    EXPECT_EQ(read_kernels(kOk, body), KernelWork::none) << body;
}

TEST(Kernels, AnErrorOfTheServerIsNoAnswer) {
  EXPECT_EQ(read_kernels(500, ""), KernelWork::unknown);
  EXPECT_EQ(read_kernels(503, "[]"), KernelWork::unknown);
}

}  // namespace
}  // namespace passerelle::hub
