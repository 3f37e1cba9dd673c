// What we answer to PAM modules: the password, once, when they ask for something hidden. Whoever
// asks for more (a second factor, a new password) gets no answer, and the try fails.
#pragma once

#include <string>

#include <security/pam_appl.h>

namespace passerelle::pam_checker {

struct Conversation {
  std::string password;
  bool asked = false;   ///< It was given.
  bool beyond = false;  ///< A module wanted to know something else.
};

/// pam_conv::conv; its data is a Conversation.
int converse(int count, const pam_message** messages, pam_response** answers, void* data) noexcept;

}  // namespace passerelle::pam_checker
