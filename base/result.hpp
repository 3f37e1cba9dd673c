// Result<T>: a value or an Error. The only error vocabulary of the project; exceptions are for bugs
// and stay inside library borders. Names are those of std::expected, so that C++23 replaces this
// file by an alias.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "base/cause.hpp"

namespace passerelle {

enum class Errc {
  invalid,  ///< The caller's input is wrong; asking again unchanged cannot help.
  not_found,
  conflict,         ///< It exists already, or is in a state that does not allow this.
  exhausted,        ///< A limit or a number of seats is used up.
  unauthenticated,  ///< The credentials are wrong.
  forbidden,
  unavailable,  ///< Could not tell or could not reach: disk full, server down. May work later.
  timeout,
  cancelled,
  internal,
};

class Error {
 public:
  Error() = default;
  Error(Errc code, std::string message) : code_(code), message_(std::move(message)) {}
  Error(Errc code, Cause cause, std::string message)
      : code_(code), cause_(cause), message_(std::move(message)) {}

  Errc code() const noexcept { return code_; }
  std::optional<Cause> cause() const noexcept { return cause_; }
  /// One sentence for operators and the detail line of a failure page; never holds a secret.
  const std::string& message() const noexcept { return message_; }
  /// What the failed program last printed (at most 20 lines), or the exit code; empty if there is
  /// none.
  const std::string& log_tail() const noexcept { return log_tail_; }
  std::optional<int> exit_code() const noexcept { return exit_code_; }

  Error with_log(std::string tail) && {
    log_tail_ = std::move(tail);
    return std::move(*this);
  }
  Error with_exit_code(int code) && {
    exit_code_ = code;
    return std::move(*this);
  }
  /// "start: no such file": the message grows on its way up.
  Error within(const std::string& where) && {
    message_ = where + ": " + message_;
    return std::move(*this);
  }

 private:
  Errc code_ = Errc::internal;
  std::optional<Cause> cause_;
  std::string message_;
  std::string log_tail_;
  std::optional<int> exit_code_;
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result() : state_(std::in_place_index<1>) {}  ///< Asio needs one; it holds Errc::internal.
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return std::get<0>(state_); }
  const T& operator*() const& { return std::get<0>(state_); }
  T&& operator*() && { return std::get<0>(std::move(state_)); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }

  Error& error() & { return std::get<1>(state_); }
  const Error& error() const& { return std::get<1>(state_); }
  Error&& error() && { return std::get<1>(std::move(state_)); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  bool has_value() const noexcept { return !error_; }
  explicit operator bool() const noexcept { return has_value(); }
  Error& error() & { return *error_; }
  const Error& error() const& { return *error_; }
  Error&& error() && { return std::move(*error_); }

 private:
  std::optional<Error> error_;
};

}  // namespace passerelle
