// The keys of `type: pam`: the accounts of this machine.
#pragma once

#include "config/keys/slots.hpp"
#include "config/settings.hpp"

namespace passerelle::config {

inline constexpr Key kPamKeys[] = {
    {.name = "service",
     .kind = Kind::text,
     .slot = at<&Authenticator::pam, &PamAuthenticator::service>,
     .words = {"The PAM service: a file of that name in `/etc/pam.d`.",
               "Le service PAM : un fichier de ce nom dans `/etc/pam.d`."},
     .example = "passerelle",
     .type = "pam",
     .most = 64},
    {.name = "min_uid",
     .kind = Kind::count,
     .slot = at<&Authenticator::pam, &PamAuthenticator::min_uid>,
     .words = {"Accounts with a lower number belong to the system and never sign in.",
               "Les comptes de numéro inférieur sont ceux du système et ne se connectent jamais."},
     .example = "1000",
     .type = "pam",
     .least = 1,
     .most = 4'000'000'000},
    {.name = "deadline",
     .kind = Kind::duration,
     .slot = at<&Authenticator::pam, &PamAuthenticator::deadline>,
     .words = {"A try that takes longer is ended.", "Un essai plus long est interrompu."},
     .example = "15s",
     .type = "pam",
     .least = 1,
     .most = 120},
};

}  // namespace passerelle::config
