// Keys that every spawner of containers has, with the same words: which images, and limits.
#pragma once

#include "config/keys/slots.hpp"
#include "config/settings.hpp"

namespace passerelle::config {

template <auto... Path>
constexpr Key images_of(std::string_view type) {
  return {.name = "images",
          .kind = Kind::text_list,
          .slot = at<Path...>,
          .words = {"Images that a form may lead to, as patterns; `*` stops at a slash. An image "
                    "that a profile names without a form needs no entry.",
                    "Images auxquelles un formulaire peut mener, sous forme de motifs ; `*` "
                    "s'arrête à une barre oblique. Une image nommée par un profil sans formulaire "
                    "n'a pas besoin d'y figurer."},
          .example = "[\"registry.example.fr/course/*:2026-*\"]",
          .type = type,
          .when_absent = {"none", "aucune"}};
}

template <auto... Path>
constexpr Key memory_of(std::string_view type, std::uint64_t least) {
  return {.name = "memory",
          .kind = Kind::size,
          .slot = at<Path...>,
          .words = {"Memory of one server; more ends it with the cause `out-of-memory`.",
                    "Mémoire d'un serveur ; au-delà il est arrêté avec la cause `out-of-memory`."},
          .example = "2GiB",
          .type = type,
          .least = least,
          .when_absent = kUnlimited};
}

template <auto... Path>
constexpr Key cpu_of(std::string_view type) {
  return {.name = "cpu",
          .kind = Kind::number,
          .slot = at<Path...>,
          .words = {"Cores of one server.", "Cœurs d'un serveur."},
          .example = "2",
          .type = type,
          .most = 4096,
          .when_absent = kUnlimited};
}

template <auto... Path>
constexpr Key stop_patience_of(std::string_view type) {
  return {.name = "stop_patience",
          .kind = Kind::duration,
          .slot = at<Path...>,
          .words = {"How long a server may take to end after SIGTERM; SIGKILL follows.",
                    "Délai laissé à un serveur après SIGTERM ; SIGKILL suit."},
          .example = "10s",
          .type = type,
          .most = 3600};
}

}  // namespace passerelle::config
