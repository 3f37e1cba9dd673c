// Which trailers may go on (42, 66), and how the decoder keeps them.
#include "proxy/trailers.hpp"

#include <gtest/gtest.h>

#include "proxy/chunked.hpp"
#include "tests/unit/proxy/head_text.hpp"

namespace passerelle::proxy {
namespace {

TEST(Trailers, r66_pass_when_they_only_inform) {
  EXPECT_EQ(clean_trailers(crlf("Server-Timing:db;dur=53 \nDigest: x\ngrpc-status: 0\n")),
            crlf("Server-Timing: db;dur=53\nDigest: x\ngrpc-status: 0\n"));
  EXPECT_EQ(clean_trailers(""), "");
}

TEST(Trailers, r42_frame_route_and_identify_nobody) {
  for (const char* name : {"Content-Length",
                           "transfer-encoding",
                           "Host",
                           "Set-Cookie",
                           "Cookie",
                           "Authorization",
                           "Content-Type",
                           "Content-Encoding",
                           "content-anything",
                           "Location",
                           "Trailer",
                           "Connection",
                           "X-Forwarded-For",
                           "X-Forwarded-User",
                           "X_Forwarded_User",
                           "Cache-Control",
                           "ETag",
                           "WWW-Authenticate",
                           "Sec-Fetch-Site",
                           "Proxy-Authorization",
                           "Max-Forwards",
                           "Date",
                           "Via",
                           "Access-Control-Allow-Origin"})
    EXPECT_EQ(clean_trailers(std::string(name) + ": 1\r\n"), "") << name;
}

TEST(Trailers, r42_are_kept_by_the_decoder_only_if_wanted) {
  const std::string body = crlf("1\na\n0\nX: 1\nY:2\n\n");
  for (std::size_t size = 1; size <= body.size(); ++size) {
    ChunkedDecoder decoder;
    decoder.keep_trailers();
    std::string_view rest = body;
    while (!decoder.finished() && !rest.empty()) {
      const ChunkedDecoder::Step step = decoder.next(rest.substr(0, size));
      rest.remove_prefix(step.used);
    }
    EXPECT_TRUE(decoder.finished());
    EXPECT_EQ(decoder.trailers(), crlf("X: 1\nY:2\n")) << size;
  }
  ChunkedDecoder careless;
  std::string_view rest = body;
  while (!careless.finished()) rest.remove_prefix(careless.next(rest).used);
  EXPECT_EQ(careless.trailers(), "");
}

}  // namespace
}  // namespace passerelle::proxy
