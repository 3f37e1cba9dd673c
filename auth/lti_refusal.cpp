#include "auth/lti_refusal.hpp"

#include "auth/name.hpp"

namespace passerelle::auth::lti {
namespace {
constexpr int kForbidden = 403;
constexpr int kBusy = 503;
}  // namespace

ShowForm refused(const Refusal& why, std::string_view shown) {
  ShowForm form;
  form.status = why.code == "LTI-BUSY" || why.code == "LTI-KEYS" ? kBusy : kForbidden;
  form.code = why.code;
  form.detail = why.detail;
  form.message = "sign-in.lti." + text::ascii_lower(why.code.substr(why.code.find('-') + 1));
  form.attempted_name = cut_name(shown);
  form.failed = why.code == "LTI-SIG" || why.code == "LTI-KEY";
  return form;
}

ShowForm open_from_course() {
  ShowForm form;
  form.message = "sign-in.lti.open-from-course";
  return form;
}

}  // namespace passerelle::auth::lti
