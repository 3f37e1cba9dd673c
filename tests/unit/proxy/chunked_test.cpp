// The chunked coding, whole and split at every byte. Numbers are the list's.
#include "proxy/chunked.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace passerelle::proxy {
namespace {

struct Decoded {
  std::string body;
  std::string verdict;  ///< "done", "bad" or "more"
  std::size_t used = 0;
};

/// Feeds `input` in pieces of `size` bytes.
Decoded decode(std::string_view input, std::size_t size) {
  Decoded decoded;
  ChunkedDecoder decoder;
  while (decoded.used < input.size()) {
    std::string_view piece = input.substr(decoded.used, size);
    while (!piece.empty()) {
      const ChunkedDecoder::Step step = decoder.next(piece);
      decoded.body += step.data;
      decoded.used += step.used;
      piece.remove_prefix(step.used);
      if (step.what == ChunkedDecoder::What::done) return decoded.verdict = "done", decoded;
      if (step.what == ChunkedDecoder::What::bad) return decoded.verdict = "bad", decoded;
    }
  }
  decoded.verdict = "more";
  return decoded;
}

struct Row {
  const char* rule;
  std::string input;
  const char* verdict;
  const char* body;
};

const std::vector<Row>& rows() {
  static const std::vector<Row> all = {
      {"plain", "5\r\nhello\r\n0\r\n\r\n", "done", "hello"},
      {"two", "1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", "done", "abc"},
      {"nothing", "0\r\n\r\n", "done", ""},
      {"39 hex in both cases", "A\r\n0123456789\r\nb\r\n0123456789a\r\n0\r\n\r\n", "done",
       "01234567890123456789a"},
      {"39 leading zeros", "0000000000000001\r\na\r\n0\r\n\r\n", "done", "a"},
      {"39 17 digits", "00000000000000001\r\na\r\n0\r\n\r\n", "bad", ""},
      {"39 2^63", "8000000000000000\r\n", "bad", ""},
      {"39 sign", "+1\r\na\r\n0\r\n\r\n", "bad", ""},
      {"39 minus", "-1\r\na\r\n0\r\n\r\n", "bad", ""},
      {"39 0x", "0x1\r\na\r\n0\r\n\r\n", "bad", ""},
      {"39 space before", " 1\r\na\r\n0\r\n\r\n", "bad", ""},
      {"39 space behind", "1 \r\na\r\n0\r\n\r\n", "bad", ""},
      {"39 no digit", "\r\na\r\n0\r\n\r\n", "bad", ""},
      {"39 no digit but an extension", ";a\r\n", "bad", ""},
      {"40 extension", "1;a=b\r\nx\r\n0\r\n\r\n", "done", "x"},
      {"40 quoted extension", "1;a=\"b\\\";c\"\r\nx\r\n0\r\n\r\n", "done", "x"},
      {"40 256 bytes", "1;" + std::string(256, 'e') + "\r\nx\r\n0\r\n\r\n", "done", "x"},
      {"40 257 bytes", "1;" + std::string(257, 'e') + "\r\nx\r\n0\r\n\r\n", "bad", ""},
      {"40 CR inside quotes", "1;a=\"\r\nx\r\n0\r\n\r\n", "bad", ""},
      {"40 NUL", std::string("1;a\0\r\n", 6), "bad", ""},
      {"41 bare LF after a size", "1\na\r\n0\r\n\r\n", "bad", ""},
      {"41 bare LF after an extension", "1;a\nb\r\n0\r\n\r\n", "bad", ""},
      {"41 bare LF after data", "1\r\na\n0\r\n\r\n", "bad", "a"},
      {"41 bare CR", "1\ra\r\n", "bad", ""},
      {"41 bare LF at the end", "0\r\n\n", "bad", ""},
      {"41 data too long", "1\r\nab\r\n0\r\n\r\n", "bad", "a"},
      {"42 trailers are dropped", "1\r\na\r\n0\r\nX-Remote-User: root\r\nB:\r\n\r\n", "done", "a"},
      {"42 trailer without a colon", "0\r\nabc\r\n\r\n", "bad", ""},
      {"42 trailer without a name", "0\r\n: a\r\n\r\n", "bad", ""},
      {"42 folded trailer", "0\r\nA: b\r\n c\r\n\r\n", "bad", ""},
      {"42 bare LF in a trailer", "0\r\nA: b\n\r\n", "bad", ""},
      {"42 endless trailers", "0\r\nA: " + std::string(9000, 'b') + "\r\n\r\n", "bad", ""},
      {"half a size", "1", "more", ""},
      {"half a chunk", "5\r\nhel", "more", "hel"},
      {"half the end", "0\r\n\r", "more", ""},
  };
  return all;
}

TEST(Chunked, follows_each_rule_in_pieces_of_any_size) {
  for (const Row& row : rows()) {
    for (const std::size_t size :
         {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{7}, row.input.size()}) {
      const Decoded decoded = decode(row.input, size);
      EXPECT_EQ(decoded.verdict, row.verdict) << row.rule << ", pieces of " << size;
      EXPECT_EQ(decoded.body, row.body) << row.rule << ", pieces of " << size;
    }
  }
}

TEST(Chunked, r43_leaves_what_follows_to_the_next_message) {
  const Decoded decoded = decode("1\r\na\r\n0\r\n\r\nGET / HTTP/1.1", 100);
  EXPECT_EQ(decoded.verdict, "done");
  EXPECT_EQ(decoded.used, 11U);
}

TEST(Chunked, stays_at_its_end) {
  ChunkedDecoder decoder;
  EXPECT_EQ(decoder.next("0\r\n\r\n").what, ChunkedDecoder::What::done);
  EXPECT_TRUE(decoder.finished());
  const ChunkedDecoder::Step again = decoder.next("abc");
  EXPECT_EQ(again.what, ChunkedDecoder::What::done);
  EXPECT_EQ(again.used, 0U);
  ChunkedDecoder broken;
  EXPECT_EQ(broken.next("x").what, ChunkedDecoder::What::bad);
  EXPECT_EQ(broken.next("1\r\na").what, ChunkedDecoder::What::bad);
}

TEST(Chunked, r41_bounds_all_extensions_together_by_the_data) {
  const auto reads_all = [](std::size_t extension, std::size_t data) {
    const ChunkPrefix prefix(data);
    const std::string size(prefix.text().substr(0, prefix.text().size() - 2));
    const std::string chunk =
        size + ";" + std::string(extension, 'x') + "\r\n" + std::string(data, 'd') + "\r\n";
    ChunkedDecoder decoder;
    for (int count = 0; count < 1000; ++count)
      for (std::string_view rest = chunk; !rest.empty();) {
        const ChunkedDecoder::Step step = decoder.next(rest);
        if (step.what == ChunkedDecoder::What::bad) return false;
        rest.remove_prefix(step.used);
      }
    return true;
  };
  EXPECT_FALSE(reads_all(200, 1));
  EXPECT_TRUE(reads_all(16, 1));     // 16 KB in all
  EXPECT_TRUE(reads_all(100, 200));  // signed chunks
}

TEST(Chunked, writes_the_size_before_a_chunk) {
  EXPECT_EQ(ChunkPrefix(1).text(), "1\r\n");
  EXPECT_EQ(ChunkPrefix(500).text(), "1f4\r\n");
  EXPECT_EQ(ChunkPrefix(~0ULL).text(), "ffffffffffffffff\r\n");
  const std::string message =
      std::string(ChunkPrefix(5).text()) + "hello\r\n" + std::string(kLastChunk);
  EXPECT_EQ(decode(message, 3).body, "hello");
}

}  // namespace
}  // namespace passerelle::proxy
