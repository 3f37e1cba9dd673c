// How a key finds its place in Settings: the `slot` and `children` of the table's lines. For the
// files of the table only (config/keys.cpp, config/keys/*.hpp).
#pragma once

#include <array>
#include <memory>
#include <type_traits>

#include "config/keys.hpp"

namespace passerelle::config {

template <class>
struct MemberOf;
template <class O, class M>
struct MemberOf<M O::*> {
  using Owner = O;
  using Type = M;
};

/// The part itself; behind a pointer, it is made when a key first reaches for it.
template <class Part>
Part* reached(Part* part) {
  return part;
}
template <class Part>
Part* reached(std::shared_ptr<Part>* part) {
  if (!*part) *part = std::make_shared<Part>();
  return part->get();
}

template <auto First, auto... Rest>
auto* member(void* owner) {
  auto* found = &(static_cast<typename MemberOf<decltype(First)>::Owner*>(owner)->*First);
  if constexpr (sizeof...(Rest) == 0) {
    return found;
  } else {
    return member<Rest...>(reached(found));
  }
}

/// The member itself.
template <auto... Path>
Slot at(void* owner) {
  return member<Path...>(owner);
}
/// A struct whose members the keys of a section are.
template <auto... Path>
Slot inside(void* owner) {
  return static_cast<void*>(member<Path...>(owner));
}
/// A section of the file that is no struct of its own.
inline Slot itself(void* owner) {
  return owner;
}

template <auto... Path>
constexpr Children list_of() {
  using List = std::remove_pointer_t<decltype(member<Path...>(nullptr))>;
  Children children;
  children.append = [](void* owner) -> void* { return &member<Path...>(owner)->emplace_back(); };
  children.count = [](void* owner) { return member<Path...>(owner)->size(); };
  children.item = [](void* owner, std::size_t index) -> void* {
    return &(*member<Path...>(owner))[index];
  };
  if constexpr (requires(typename List::value_type item) { item.type; }) {
    children.name = [](void* item) { return &static_cast<typename List::value_type*>(item)->name; };
  }
  return children;
}

/// The same for a map: its entries are called by their `name`.
template <auto... Path>
constexpr Children map_of() {
  using List = std::remove_pointer_t<decltype(member<Path...>(nullptr))>;
  Children children = list_of<Path...>();
  children.name = [](void* item) { return &static_cast<typename List::value_type*>(item)->name; };
  return children;
}

inline constexpr std::uint64_t kDay = 86400;
inline constexpr std::uint64_t kMebi = 1U << 20U;
inline constexpr Words kUnlimited{"unlimited", "sans limite"};

/// The keys of several lists, in that order: what every entry has, then what each `type` adds.
template <std::size_t... Counts>
constexpr auto joined(const Key (&... lists)[Counts]) {
  std::array<Key, (Counts + ...)> all{};
  std::size_t next = 0;
  const auto take = [&](const auto& list) {
    for (const Key& key : list) all[next++] = key;
  };
  (take(lists), ...);
  return all;
}

}  // namespace passerelle::config
