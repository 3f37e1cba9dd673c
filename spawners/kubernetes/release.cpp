#include "spawners/kubernetes/release.hpp"

#include <memory>

#include <archive.h>
#include <archive_entry.h>

#include "spawners/kubernetes/access.hpp"
#include "spawners/kubernetes/object.hpp"
#include "spawners/kubernetes/pods.hpp"

namespace passerelle::spawners::kubernetes {
namespace {

constexpr std::size_t kLargest = 16U << 20U;

struct Close {
  void operator()(archive* reader) const { archive_read_free(reader); }
};

Result<std::string> unpacked(const std::string& packed) {
  const Error damaged(Errc::invalid, "a release of Helm that cannot be read");
  const std::unique_ptr<archive, Close> reader(archive_read_new());
  archive_read_support_filter_gzip(reader.get());
  archive_read_support_format_raw(reader.get());
  archive_entry* entry = nullptr;
  if (archive_read_open_memory(reader.get(), packed.data(), packed.size()) != ARCHIVE_OK ||
      archive_read_next_header(reader.get(), &entry) != ARCHIVE_OK)
    return damaged;
  std::string out;
  std::string piece(64U << 10U, '\0');
  for (;;) {
    const auto got = archive_read_data(reader.get(), piece.data(), piece.size());
    if (got == 0) return out;
    if (got < 0 || out.size() > kLargest) return damaged;
    out.append(piece, 0, static_cast<std::size_t>(got));
  }
}

}  // namespace

Result<Release> release_of(const Json& secret) {
  const Error damaged(Errc::invalid, "a release of Helm that cannot be read");
  // Kubernetes' base64 around Helm's base64 around gzip.
  const auto outer = base64_decoded(text_in(part(secret, "data"), "release"));
  const auto inner = outer ? base64_decoded(*outer) : std::nullopt;
  if (!inner) return damaged;
  const auto text = unpacked(*inner);
  if (!text) return text.error();
  const Json document = Json::parse(*text, nullptr, false);
  if (!document.is_object()) return damaged;
  const Json& info = part(document, "info");
  const Json& about = part(part(document, "chart"), "metadata");
  Release release;
  release.name = text_in(document, "name");
  release.secret = text_in(part(secret, "metadata"), "name");
  release.gateway = text_in(part(part(secret, "metadata"), "labels"), kGatewayLabel);
  release.status = text_in(info, "status");
  release.description = text_in(info, "description");
  release.chart = text_in(about, "name") + "-" + text_in(about, "version");
  release.notes = text_in(info, "notes");
  release.values = part(document, "config");
  release.manifest = text_in(document, "manifest");
  return release;
}

Task<Result<std::optional<Release>>> find_release(Api& api,
                                                  std::string namespace_,
                                                  std::string name) {
  auto found = co_await api.get("/api/v1/namespaces/" + namespace_ +
                                "/secrets?labelSelector=owner%3Dhelm%2Cname%3D" + name);
  if (!found) co_return std::move(found.error());
  const Json* newest = nullptr;
  long most = -1;
  const Json& items = part(*found, "items");
  for (const Json& item : items) {
    const long version =
        std::atol(text_in(part(part(item, "metadata"), "labels"), "version").c_str());
    if (version > most) newest = &item;
    most = std::max(most, version);
  }
  if (newest == nullptr) co_return std::optional<Release>();
  auto release = release_of(*newest);
  if (!release) co_return std::move(release.error());
  co_return std::optional<Release>(std::move(*release));
}

}  // namespace passerelle::spawners::kubernetes
