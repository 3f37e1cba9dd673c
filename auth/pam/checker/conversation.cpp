#include "auth/pam/checker/conversation.hpp"

#include <cstdlib>
#include <cstring>

namespace passerelle::pam_checker {
namespace {

/// False: no answer to that.
bool answer(const pam_message& message, pam_response& out, Conversation& conversation) noexcept {
  if (message.msg_style == PAM_TEXT_INFO || message.msg_style == PAM_ERROR_MSG) return true;
  if (message.msg_style != PAM_PROMPT_ECHO_OFF || conversation.asked ||
      conversation.password.empty()) {
    conversation.beyond = true;
    return false;
  }
  conversation.asked = true;
  out.resp = ::strdup(conversation.password.c_str());  // PAM frees it
  return out.resp != nullptr;
}

}  // namespace

int converse(int count, const pam_message** messages, pam_response** answers, void* data) noexcept {
  if (count <= 0 || count > PAM_MAX_NUM_MSG) return PAM_CONV_ERR;
  const auto size = static_cast<std::size_t>(count);
  auto* given = static_cast<pam_response*>(std::calloc(size, sizeof(pam_response)));
  if (given == nullptr) return PAM_BUF_ERR;
  for (std::size_t i = 0; i < size; ++i) {
    if (answer(*messages[i], given[i], *static_cast<Conversation*>(data))) continue;
    for (std::size_t k = 0; k < i; ++k) std::free(given[k].resp);
    std::free(given);
    return PAM_CONV_ERR;
  }
  *answers = given;
  return PAM_SUCCESS;
}

}  // namespace passerelle::pam_checker
