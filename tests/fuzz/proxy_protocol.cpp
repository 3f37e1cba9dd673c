// PROXY protocol: whatever comes, the answer is one of three, does not depend on how the bytes were
// cut, and an address is one.
#include "proxy/proxy_protocol.hpp"

#include "proxy/trusted.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace passerelle::proxy {
namespace {

using State = ProxyHeader::State;

void run(std::string_view input) {
  const ProxyHeader whole = scan_proxy_header(input);
  if (whole.state == State::complete) {
    REQUIRE(whole.used > 0 && whole.used <= input.size() && whole.used <= kMostProxyHeader);
    AddressBytes address;
    REQUIRE(whole.address.empty() || parse_address(whole.address, address));
    const ProxyHeader exact = scan_proxy_header(input.substr(0, whole.used));
    REQUIRE(exact.state == State::complete && exact.used == whole.used &&
            exact.address == whole.address);
    REQUIRE(scan_proxy_header(input.substr(0, whole.used - 1)).state == State::incomplete);
  }
  if (whole.state == State::refused) REQUIRE(!whole.reason.empty());
  if (whole.state == State::incomplete) REQUIRE(input.size() < kMostProxyHeader);
  // A beginning is never read as something that the whole is not.
  fuzz::Dice dice(input);
  const std::size_t cut = input.empty() ? 0 : dice.roll(input.size());
  const ProxyHeader part = scan_proxy_header(input.substr(0, cut));
  if (part.state == State::refused) REQUIRE(whole.state == State::refused);
  if (part.state == State::complete)
    REQUIRE(whole.state == State::complete && whole.used == part.used &&
            whole.address == part.address);
}

}  // namespace
}  // namespace passerelle::proxy

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  passerelle::proxy::run(passerelle::fuzz::text_of(data, size));
  return 0;
}
