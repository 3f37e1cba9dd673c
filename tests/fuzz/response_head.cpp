// Response heads: judged alike however they arrive; what the client gets is framed as we understood
// it, and no server sets our cookies or acts on the whole origin. The first byte chooses the
// request that is answered.
#include <array>
#include <string>

#include "proxy/cookies.hpp"
#include "proxy/headers.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace passerelle::proxy {
namespace {

constexpr std::array<std::string_view, 2> kOurs = {"passerelle-", "__Host-passerelle-"};

void require_same_in_pieces(std::string_view input,
                            Asked asked,
                            const Scan& whole,
                            const ResponseHead& head) {
  fuzz::Dice dice(input);
  std::string bytes;
  ResponseHead dripped;
  Scan scan;
  while (bytes.size() < input.size() && scan.state == Scan::State::incomplete) {
    const std::size_t seen = bytes.size();
    bytes += input.substr(seen, dice.roll(40));
    scan = scan_response(bytes, seen, asked, dripped);
  }
  if (scan.state == Scan::State::incomplete) scan = scan_response(bytes, 0, asked, dripped);
  REQUIRE(scan.state == whole.state);
  REQUIRE(scan.used == whole.used);
  REQUIRE(scan.reason == whole.reason);
  if (scan.state != Scan::State::complete) return;
  REQUIRE(dripped.status() == head.status());
  REQUIRE(dripped.framing() == head.framing());
  REQUIRE(dripped.length() == head.length());
  REQUIRE(dripped.keep_alive() == head.keep_alive());
  REQUIRE(dripped.fields().size() == head.fields().size());
}

void require_clean(const ResponseHead& sent) {
  for (const FieldId id : {FieldId::clear_site_data, FieldId::service_worker_allowed,
                           FieldId::strict_transport_security, FieldId::alt_svc,
                           FieldId::keep_alive, FieldId::trailer, FieldId::proxy_authenticate}) {
    REQUIRE(!sent.has(id));
  }
  for (std::size_t i = 0; i < sent.fields().size(); ++i) {
    const Field field = sent.fields()[i];
    REQUIRE(field.id != FieldId::set_cookie || !sets_own_cookie(field.value, kOurs));
  }
}

void require_same_body(const ResponseHead& sent, const ResponseHead& head, Reframe reframe) {
  REQUIRE(sent.status() == head.status());
  if (reframe == Reframe::chunked) {
    REQUIRE(sent.framing() == Framing::chunked);
  } else if (reframe == Reframe::until_close) {
    REQUIRE(sent.framing() == Framing::until_close);
  } else {
    REQUIRE(sent.framing() == head.framing());
    REQUIRE(sent.framing() == Framing::none || sent.length() == head.length());
  }
}

void run(std::uint8_t choice, std::string_view input) {
  const Asked asked = {.head = (choice & 1U) != 0, .websocket = (choice & 2U) != 0};
  const std::string bytes(input);
  ResponseHead head;
  const Scan whole = scan_response(bytes, 0, asked, head);
  REQUIRE((whole.state == Scan::State::refused) == (whole.status == 502));
  require_same_in_pieces(input, asked, whole, head);
  if (whole.state != Scan::State::complete) return;
  REQUIRE(!head.keep_alive() || head.framing() != Framing::until_close);

  const int minor = (choice & 4U) != 0 ? 0 : 1;
  const ToClient wish = {.reframe = reframe_for(head, minor),
                         .keep_alive = (choice & 8U) != 0,
                         .client_minor = minor,
                         .date = "Sun, 06 Nov 1994 08:49:37 GMT",
                         .own_cookies = kOurs};
  std::string sent(kMostHead + 1024, '\0');
  sent.resize(build_client_head(head, wish, sent));
  REQUIRE(!sent.empty());
  if (sent.size() > kMostHead || head.fields().size() > kMostFields - 4)
    return;  // Ours came on top.
  ResponseHead again;
  const Scan scan = scan_response(sent, 0, asked, again);
  REQUIRE(scan.state == Scan::State::complete);
  REQUIRE(scan.used == sent.size());
  require_clean(again);
  require_same_body(again, head, wish.reframe);
}

}  // namespace
}  // namespace passerelle::proxy

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 0) passerelle::proxy::run(data[0], passerelle::fuzz::text_of(data + 1, size - 1));
  return 0;
}
