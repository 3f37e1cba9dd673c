// The keys of `type: dummy`: a name of one's choice and a password that a room shares.
#pragma once

#include "config/keys/slots.hpp"
#include "config/settings.hpp"

namespace passerelle::config {

inline constexpr Key kDummyKeys[] = {
    {.name = "password",
     .kind = Kind::secret,
     .slot = at<&Authenticator::dummy, &DummyAuthenticator::password>,
     .words = {"The password everybody in the room knows; at least 8 characters.",
               "Le mot de passe commun à toute la salle ; au moins 8 caractères."},
     .required = true,
     .type = "dummy",
     .least = 8},
    {.name = "max_users",
     .kind = Kind::count,
     .slot = at<&Authenticator::dummy, &DummyAuthenticator::max_users>,
     .words = {"How many different names may sign in.", "Nombre maximal de noms différents."},
     .example = "60",
     .type = "dummy",
     .most = 1'000'000,
     .when_absent = kUnlimited},
    {.name = "until",
     .kind = Kind::moment,
     .slot = at<&Authenticator::dummy, &DummyAuthenticator::until>,
     .words = {"Nobody signs in afterwards, and sessions end. A day alone means its end, UTC.",
               "Après ce moment, plus de connexion, et les sessions prennent fin. Un jour seul "
               "signifie sa fin, UTC."},
     .example = "2026-12-01",
     .type = "dummy",
     .when_absent = {"for ever", "pour toujours"}},
    {.name = "claim",
     .kind = Kind::boolean,
     .slot = at<&Authenticator::dummy, &DummyAuthenticator::claim>,
     .words =
         {"The first browser to take a name keeps it; another browser needs the PIN it was shown.",
          "Le premier navigateur qui prend un nom le garde ; un autre doit donner le code affiché "
          "alors."},
     .example = "true",
     .type = "dummy"},
};

}  // namespace passerelle::config
