// Copies the fields that may cross, between the lines that are ours.
#include "proxy/headers.hpp"

#include <array>
#include <charconv>
#include <cstring>

#include "base/field_name.hpp"
#include "base/text.hpp"
#include "proxy/characters.hpp"
#include "proxy/cookies.hpp"
#include "proxy/location.hpp"
#include "proxy/request_rules.hpp"
#include "proxy/route_policy.hpp"

namespace passerelle::proxy {

namespace {

constexpr std::uint64_t bits() noexcept {
  return 0;
}
template <class... Rest>
constexpr std::uint64_t bits(FieldId first, Rest... rest) noexcept {
  return 1ULL << static_cast<unsigned>(first) | bits(rest...);
}
constexpr bool is_in(std::uint64_t set, FieldId id) noexcept {
  return (set >> static_cast<unsigned>(id) & 1U) != 0;
}

/// Belong to one connection (RFC 9110, 7.6.1), or are written anew.
constexpr std::uint64_t kHopByHop = bits(FieldId::connection,
                                         FieldId::keep_alive,
                                         FieldId::proxy_connection,
                                         FieldId::proxy_authenticate,
                                         FieldId::proxy_authorization,
                                         FieldId::te,
                                         FieldId::trailer,
                                         FieldId::transfer_encoding,
                                         FieldId::upgrade,
                                         FieldId::http2_settings,
                                         FieldId::content_length);
constexpr std::uint64_t kNeverUp = kHopByHop | bits(FieldId::authorization,
                                                    FieldId::cookie,
                                                    FieldId::host,
                                                    FieldId::forwarded,
                                                    FieldId::x_forwarded_any,
                                                    FieldId::x_forwarded_for,
                                                    FieldId::x_forwarded_host,
                                                    FieldId::x_forwarded_port,
                                                    FieldId::x_forwarded_proto,
                                                    FieldId::x_real_ip,
                                                    FieldId::x_scheme);
/// What put_forwarded() writes.
constexpr std::uint64_t kGrowing = bits(FieldId::x_forwarded_for,
                                        FieldId::x_forwarded_host,
                                        FieldId::x_forwarded_port,
                                        FieldId::x_forwarded_proto);
/// A server shares its origin with others and must not act on all of it.
constexpr std::uint64_t kNeverDown = kHopByHop | bits(FieldId::clear_site_data,
                                                      FieldId::service_worker_allowed,
                                                      FieldId::strict_transport_security,
                                                      FieldId::alt_svc,
                                                      FieldId::nel,
                                                      FieldId::report_to);
/// Passed on by a function of their own.
constexpr std::uint64_t kSpecialUp = bits(FieldId::expect, FieldId::max_forwards);
constexpr std::uint64_t kSpecialDown = bits(FieldId::set_cookie, FieldId::location);
/// These too where others may show the answer in a frame.
constexpr std::uint64_t kOfFrames =
    bits(FieldId::content_security_policy, FieldId::x_frame_options);

/// Connection cannot take these away (CVE-2025-48865).
constexpr std::uint64_t kProtected = bits(FieldId::authorization,
                                          FieldId::cookie,
                                          FieldId::origin,
                                          FieldId::expect,
                                          FieldId::content_type,
                                          FieldId::date,
                                          FieldId::set_cookie,
                                          FieldId::sec_fetch_mode,
                                          FieldId::sec_fetch_site,
                                          FieldId::sec_websocket_accept,
                                          FieldId::sec_websocket_key,
                                          FieldId::sec_websocket_version,
                                          FieldId::x_forwarded_for,
                                          FieldId::x_forwarded_host,
                                          FieldId::x_forwarded_port,
                                          FieldId::x_forwarded_proto);

/// Appends to a span; once something did not fit, nothing fits any more and size() is 0.
class Writer {
 public:
  explicit Writer(std::span<char> out) noexcept
      : begin_(out.data()), at_(out.data()), end_(out.data() + out.size()) {}
  // Inlined, so that the lengths and copies of literals are settled by the compiler.
  template <class... Parts>
  [[gnu::always_inline]] void put(Parts... parts) noexcept {
    const std::size_t size = (std::string_view(parts).size() + ...);
    if (static_cast<std::size_t>(end_ - at_) < size) {
      end_ = at_;
      full_ = true;
      return;
    }
    (copy(parts), ...);
  }
  std::size_t size() const noexcept { return full_ ? 0 : static_cast<std::size_t>(at_ - begin_); }

 private:
  [[gnu::always_inline]] void copy(std::string_view part) noexcept {
    if (!part.empty()) std::memcpy(at_, part.data(), part.size());
    at_ += part.size();
  }
  char* begin_;
  char* at_;
  char* end_;
  bool full_ = false;
};

[[gnu::always_inline]] inline void put_field(Writer& out,
                                             std::string_view name,
                                             std::string_view value) noexcept {
  out.put(name, ": ", value, "\r\n");
}

/// Copies lines of `fields`; those that came tidy and stood together go in one piece.
class Lines {
 public:
  Lines(const Fields& fields, Writer& out) noexcept : fields_(fields), out_(out) {}
  void copy(std::size_t index) noexcept {
    const std::string_view line = fields_.tidy_line(index);
    if (!line.empty() && run_.data() + run_.size() == line.data()) {
      run_ = {run_.data(), run_.size() + line.size()};
      return;
    }
    flush();
    run_ = line;
    if (line.empty()) put_field(out_, fields_[index].name, fields_[index].value);
  }
  /// Once after the last line.
  void flush() noexcept {
    if (!run_.empty()) out_.put(run_);
    run_ = {};
  }

 private:
  const Fields& fields_;
  Writer& out_;
  std::string_view run_;
};

bool named_by_connection(const Fields& fields, const Field& field) noexcept {
  if (is_in(kProtected, field.id)) return false;
  for (std::size_t i = 0; i < fields.connection_tokens(); ++i) {
    if (text::iequals(fields.connection_token(i), field.name)) return true;
  }
  return false;
}

bool is_set_by_us(SetHeaders set, std::string_view name) noexcept {
  for (const auto& [ours, value] : set) {
    if (ours.size() == name.size() && text::iequals(ours, name)) return true;
  }
  return false;
}

bool is_stripped(std::span<const std::string> stripped, std::string_view name) noexcept {
  for (const std::string& one : stripped)
    if (field_name::alike(one, name)) return true;
  return false;
}

void put_cookies(const RequestHead& head, const ToUpstream& wish, Writer& out) noexcept {
  if (is_set_by_us(wish.set, "cookie")) return;
  const Fields& fields = head.fields();
  bool begun = false;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (fields.id(i) != FieldId::cookie) continue;
    std::string_view line = fields[i].value;
    while (!line.empty()) {
      const std::size_t end = std::min(line.find(';'), line.size());
      const std::string_view pair = trimmed(line.substr(0, end));
      line.remove_prefix(std::min(end + 1, line.size()));
      if (pair.empty() || sets_own_cookie(pair, wish.own_cookies)) continue;
      out.put(begun ? "; " : "Cookie: ", pair);
      begun = true;
    }
  }
  if (begun) out.put("\r\n");
}

void put_special(const RequestHead& head,
                 const ToUpstream& wish,
                 const Field& field,
                 Writer& out) noexcept {
  if (field.id == FieldId::expect && wish.drop_expect) return;
  std::uint32_t hops = 0;
  if (field.id != FieldId::max_forwards || head.method() != "OPTIONS" ||
      !read_max_forwards(field.value, hops) || hops == 0)
    return put_field(out, field.name, field.value);
  std::array<char, 10> digits;
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), hops - 1);
  put_field(out, field.name, {digits.data(), static_cast<std::size_t>(end - digits.data())});
}

bool is_attribute(std::string_view attribute, std::string_view name) noexcept {
  return text::iequals(text::trim(attribute.substr(0, attribute.find('='))), name);
}

bool is_about_sites(std::string_view attribute) noexcept {
  return is_attribute(attribute, "samesite") || is_attribute(attribute, "secure") ||
         is_attribute(attribute, "partitioned");
}

/// Without Domain it belongs to this host alone. In a frame of another site browsers keep none but
/// those that say so, in a jar for each site above it (RFC 6265bis SameSite=None, CHIPS).
void put_set_cookie(const Field& field, bool in_frame, Writer& out) noexcept {
  std::string_view rest = field.value;
  std::size_t end = std::min(rest.find(';'), rest.size());
  out.put(field.name, ": ", rest.substr(0, end));
  while (end < rest.size()) {
    rest.remove_prefix(end + 1);
    end = std::min(rest.find(';'), rest.size());
    const std::string_view attribute = rest.substr(0, end);
    if (is_attribute(attribute, "domain") || (in_frame && is_about_sites(attribute))) continue;
    out.put(";", attribute);
  }
  out.put(in_frame ? "; SameSite=None; Secure; Partitioned\r\n" : "\r\n");
}

/// A Content-Security-Policy, or several in one field, without what it says of frames.
void put_security_policy(const Field& field, Writer& out) noexcept {
  std::string_view rest = field.value;
  bool begun = false;
  char before = ';';  // a comma begins another policy (CSP 3, 2.2.2)
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find_first_of(";,"), rest.size());
    const std::string_view directive = rest.substr(0, end);
    const std::string_view words = text::trim(directive);
    if (!words.empty() &&
        !text::iequals(words.substr(0, words.find_first_of(" \t")), "frame-ancestors")) {
      if (begun) out.put(std::string_view(&before, 1), directive);
      if (!begun) out.put(field.name, ": ", words);
      begun = true;
      before = ';';
    }
    if (end == rest.size()) break;
    if (rest[end] == ',') before = ',';
    rest.remove_prefix(end + 1);
  }
  if (begun) out.put("\r\n");
}

void put_special(const ToClient& wish, const Field& field, Writer& out) noexcept {
  if (wish.by_policy) {
    const bool moved = field.id == FieldId::location && !wish.location.empty();
    return put_field(out, field.name, moved ? wish.location : field.value);
  }
  if (field.id == FieldId::set_cookie) {
    const bool in_frame = !wish.framed_by.empty() && wish.scheme == "https";
    if (!sets_own_cookie(field.value, wish.own_cookies)) put_set_cookie(field, in_frame, out);
    return;
  }
  if (field.id == FieldId::x_frame_options) return;
  if (field.id == FieldId::content_security_policy) return put_security_policy(field, out);
  if (wish.upstream != nullptr && !wish.host.empty()) {
    if (const auto rest = behind_upstream(field.value, *wish.upstream))
      return out.put(field.name, ": ", wish.scheme, "://", wish.host, *rest, "\r\n");
  }
  put_field(out, field.name, field.value);
}

void put_client(const RequestHead& head, const Client& client, Writer& out) noexcept {
  const std::string_view host = head.host().empty() ? client.host : head.host();
  if (!host.empty()) put_field(out, "Host", host);
  if (!client.address.empty()) put_field(out, "X-Forwarded-For", client.address);
  put_field(out, "X-Forwarded-Proto", client.scheme);
  if (!client.host.empty()) put_field(out, "X-Forwarded-Host", client.host);
  put_field(out, "X-Forwarded-Port", client.port);
}

void put_length(std::uint64_t length, Writer& out) noexcept {
  std::array<char, 20> digits;
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), length);
  put_field(out, "Content-Length", {digits.data(), static_cast<std::size_t>(end - digits.data())});
}

void put_request_framing(const RequestHead& head, Writer& out) noexcept {
  if (head.upgrade_websocket()) {
    out.put("Connection: Upgrade\r\nUpgrade: websocket\r\n");
  } else if (head.accepts_trailers()) {
    out.put("Connection: TE\r\nTE: trailers\r\n");
  }
  if (head.chunked()) out.put("Transfer-Encoding: chunked\r\n");
  if (const auto length = head.content_length()) put_length(*length, out);
}

/// All values of that field with ours behind them.
void put_grown(const Fields& fields,
               FieldId id,
               std::string_view name,
               std::string_view ours,
               Writer& out) noexcept {
  out.put(name, ": ");
  bool begun = false;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (fields.id(i) != id || fields[i].value.empty()) continue;
    out.put(begun ? "," : "", fields[i].value);
    begun = true;
  }
  if (!ours.empty()) out.put(begun ? "," : "", ours);
  out.put("\r\n");
}

void put_forwarded(const RequestHead& head, const ToUpstream& wish, Writer& out) noexcept {
  const Fields& fields = head.fields();
  const Client& client = wish.client;
  const bool secure = client.scheme == "https";
  const std::string_view websocket = secure ? "wss" : "ws";
  const auto grow = [&](FieldId id, std::string_view name, std::string_view ours) {
    if (!is_set_by_us(wish.set, name)) put_grown(fields, id, name, ours, out);
  };
  grow(FieldId::x_forwarded_for, "X-Forwarded-For", client.address);
  grow(FieldId::x_forwarded_port, "X-Forwarded-Port", client.port);
  grow(FieldId::x_forwarded_proto, "X-Forwarded-Proto",
       head.upgrade_websocket() ? websocket : client.scheme);
  const bool told = head.has(FieldId::x_forwarded_host);
  const std::string_view host = told ? head.value(FieldId::x_forwarded_host) : head.host();
  if (!host.empty() && !is_set_by_us(wish.set, "x-forwarded-host"))
    put_field(out, "X-Forwarded-Host", host);
}

void put_connection(const ResponseHead& head, const ToClient& wish, Writer& out) noexcept {
  if (head.status() == 101) {
    out.put("Connection: Upgrade\r\nUpgrade: websocket\r\n");
  } else if (!wish.keep_alive || wish.reframe == Reframe::until_close) {
    out.put("Connection: close\r\n");
  } else if (wish.client_minor == 0 || wish.by_policy) {
    out.put("Connection: keep-alive\r\n");
  }
}

void put_response_framing(const ResponseHead& head, const ToClient& wish, Writer& out) noexcept {
  if (wish.reframe == Reframe::chunked) out.put("Transfer-Encoding: chunked\r\n");
  const bool may_have_length = head.status() >= 200 && head.status() != 204;
  if (wish.reframe == Reframe::keep && may_have_length && head.has(FieldId::content_length)) {
    put_length(head.length(), out);
  }
}

/// The fields of a request that go on as they are or changed by put_special(), and its cookies.
void put_request_fields(const RequestHead& head,
                        const ToUpstream& wish,
                        std::uint64_t never,
                        Writer& out) noexcept {
  const Fields& fields = head.fields();
  Lines lines(fields, out);
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const FieldId id = fields.id(i);
    if (is_in(never, id)) continue;
    const Field field = fields[i];
    if (fields.connection_tokens() != 0 && named_by_connection(fields, field)) continue;
    if (!wish.set.empty() && is_set_by_us(wish.set, field.name)) continue;
    if (!wish.stripped.empty() && is_stripped(wish.stripped, field.name)) continue;
    if (is_in(kSpecialUp, id)) {
      lines.flush();
      put_special(head, wish, field, out);
      continue;
    }
    lines.copy(i);
  }
  lines.flush();
  if (head.has(FieldId::cookie)) put_cookies(head, wish, out);
}

/// What is ours, and the end.
void put_request_end(const RequestHead& head, const ToUpstream& wish, Writer& out) noexcept {
  for (const auto& [name, value] : wish.set) put_field(out, name, value);
  if (!wish.authorization.empty()) put_field(out, "Authorization", wish.authorization);
  out.put(wish.via);
  put_request_framing(head, out);
  out.put("\r\n");
}

}  // namespace

std::size_t build_upstream_head(const RequestHead& head,
                                const ToUpstream& wish,
                                std::span<char> out) noexcept {
  Writer writer(out);
  writer.put(head.method(), " ", head.target(), " HTTP/1.1\r\n");
  put_client(head, wish.client, writer);
  put_request_fields(head, wish, kNeverUp, writer);
  put_request_end(head, wish, writer);
  return writer.size();
}

std::size_t build_policy_head(const RequestHead& head,
                              const ToUpstream& wish,
                              const RoutePolicy& policy,
                              std::string_view target,
                              std::span<char> out) noexcept {
  constexpr std::uint64_t kWrittenAnew = kHopByHop | bits(FieldId::cookie, FieldId::host);
  const std::uint64_t never = policy.append_forwarded ? kWrittenAnew | kGrowing : kWrittenAnew;
  Writer writer(out);
  writer.put(head.method(), " ", target, " HTTP/1.1\r\n");
  const std::string_view host = policy.own_host ? policy.target_authority : head.host();
  if (!host.empty() && !is_set_by_us(wish.set, "host")) put_field(writer, "Host", host);
  put_request_fields(head, wish, never, writer);
  if (policy.append_forwarded) put_forwarded(head, wish, writer);
  put_request_end(head, wish, writer);
  return writer.size();
}

std::size_t build_client_head(const ResponseHead& head,
                              const ToClient& wish,
                              std::span<char> out) noexcept {
  Writer writer(out);
  const std::array<char, 3> status = {static_cast<char>('0' + head.status() / 100),
                                      static_cast<char>('0' + head.status() / 10 % 10),
                                      static_cast<char>('0' + head.status() % 10)};
  writer.put("HTTP/1.1 ", std::string_view(status.data(), status.size()), " ", head.reason(),
             "\r\n");
  const Fields& fields = head.fields();
  const std::uint64_t never = wish.by_policy ? kHopByHop : kNeverDown;
  const std::uint64_t special = wish.framed_by.empty() ? kSpecialDown : kSpecialDown | kOfFrames;
  Lines lines(fields, writer);
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const FieldId id = fields.id(i);
    if (is_in(never, id)) continue;
    const Field field = fields[i];
    if (fields.connection_tokens() != 0 && named_by_connection(fields, field)) continue;
    if (is_in(special, id)) {
      lines.flush();
      put_special(wish, field, writer);
      continue;
    }
    lines.copy(i);
  }
  lines.flush();
  if (!head.interim()) {
    if (!head.has(FieldId::date) && !wish.date.empty()) put_field(writer, "Date", wish.date);
    if (!wish.framed_by.empty())
      writer.put("Content-Security-Policy: frame-ancestors ", wish.framed_by, "\r\n");
    put_response_framing(head, wish, writer);
    put_connection(head, wish, writer);
  }
  writer.put("\r\n");
  return writer.size();
}

Reframe reframe_for(const ResponseHead& head, int client_minor) noexcept {
  if (head.framing() == Framing::none || head.framing() == Framing::length) return Reframe::keep;
  return client_minor == 0 ? Reframe::until_close : Reframe::chunked;
}

}  // namespace passerelle::proxy
