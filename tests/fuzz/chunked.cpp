// Chunked bodies: the same in one piece and in many, and the same again after we have framed them
// anew.
#include "proxy/chunked.hpp"

#include <string>

#include "tests/fuzz/fuzz.hpp"

namespace passerelle::proxy {
namespace {

struct Decoded {
  std::string body;
  std::string framed;  ///< As we would send it on.
  ChunkedDecoder::What last = ChunkedDecoder::What::need_more;
  std::size_t used = 0;
};

Decoded decode(std::string_view input, std::size_t most, fuzz::Dice& dice) {
  Decoded out;
  ChunkedDecoder decoder;
  while (out.used < input.size()) {
    std::string_view piece = input.substr(out.used, most == 0 ? input.size() : dice.roll(most));
    while (!piece.empty()) {
      const ChunkedDecoder::Step step = decoder.next(piece);
      REQUIRE(step.used <= piece.size());
      out.used += step.used;
      out.last = step.what;
      piece.remove_prefix(step.used);
      if (step.what == ChunkedDecoder::What::data) {
        REQUIRE(!step.data.empty());
        out.body += step.data;
        out.framed += ChunkPrefix(step.data.size()).text();
        out.framed += step.data;
        out.framed += "\r\n";
        out.last = ChunkedDecoder::What::need_more;
      }
      REQUIRE((step.what == ChunkedDecoder::What::done) == decoder.finished());
      if (out.last != ChunkedDecoder::What::need_more) return out;
    }
  }
  return out;
}

void run(std::string_view input) {
  fuzz::Dice dice(input);
  const Decoded whole = decode(input, 0, dice);
  for (const std::size_t most : {std::size_t{1}, std::size_t{9}}) {
    const Decoded pieces = decode(input, most, dice);
    REQUIRE(pieces.body == whole.body);
    REQUIRE(pieces.last == whole.last);
    REQUIRE(pieces.used == whole.used);
  }
  if (whole.last != ChunkedDecoder::What::done) return;
  const std::string sent = whole.framed + std::string(kLastChunk);
  const Decoded again = decode(sent, 0, dice);
  REQUIRE(again.last == ChunkedDecoder::What::done);
  REQUIRE(again.used == sent.size());
  REQUIRE(again.body == whole.body);
}

}  // namespace
}  // namespace passerelle::proxy

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  passerelle::proxy::run(passerelle::fuzz::text_of(data, size));
  return 0;
}
