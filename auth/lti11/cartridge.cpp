#include "auth/lti11/cartridge.hpp"

#include "base/text.hpp"

namespace passerelle::auth::lti11 {

std::string cartridge(std::string_view title, std::string_view launch_url) {
  constexpr std::string_view kSpaces =
      " xmlns=\"http://www.imsglobal.org/xsd/imslticc_v1p0\""
      " xmlns:blti=\"http://www.imsglobal.org/xsd/imsbasiclti_v1p0\""
      " xmlns:lticm=\"http://www.imsglobal.org/xsd/imslticm_v1p0\""
      " xmlns:lticp=\"http://www.imsglobal.org/xsd/imslticp_v1p0\""
      " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"";
  const std::string url = text::html_escape(launch_url);
  std::string xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<cartridge_basiclti_link";
  xml.append(kSpaces).append(">\n  <blti:title>").append(text::html_escape(title));
  xml.append("</blti:title>\n  <blti:launch_url>").append(url).append("</blti:launch_url>\n");
  if (launch_url.starts_with("https://"))
    xml.append("  <blti:secure_launch_url>").append(url).append("</blti:secure_launch_url>\n");
  xml.append("  <blti:vendor>\n    <lticp:code>passerelle</lticp:code>\n");
  xml.append("    <lticp:name>passerelle</lticp:name>\n  </blti:vendor>\n");
  return xml.append("</cartridge_basiclti_link>\n");
}

}  // namespace passerelle::auth::lti11
