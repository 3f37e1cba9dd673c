// The keys of `type: cas`: the CAS protocol 2.0 or 3.0.
#pragma once

#include "config/keys/slots.hpp"
#include "config/settings.hpp"

namespace passerelle::config {

inline constexpr Key kCasKeys[] = {
    {.name = "url",
     .kind = Kind::provider_url,
     .slot = at<&Authenticator::cas, &CasAuthenticator::url>,
     .words = {"The CAS server's address, without `/login`. Register our own there: `public_url` "
               "with `hub/auth/<name>/callback` behind it, and any query.",
               "L'adresse du serveur CAS, sans `/login`. La nôtre doit y être déclarée : "
               "`public_url` suivi de `hub/auth/<nom>/callback`, avec n'importe quelle requête."},
     .example = "https://cas.example.fr/cas",
     .required = true,
     .type = "cas"},
    {.name = "version",
     .kind = Kind::choice,
     .slot = at<&Authenticator::cas, &CasAuthenticator::version>,
     .words = {"The protocol: 3 brings attributes, 2 is for servers without `/p3/`.",
               "Le protocole : 3 apporte les attributs, 2 convient aux serveurs sans `/p3/`."},
     .example = "\"3\"",
     .type = "cas",
     .choices = "3 2"},
    {.name = "ca_file",
     .kind = Kind::file,
     .slot = at<&Authenticator::cas, &CasAuthenticator::ca_file>,
     .words = {"PEM file of the authorities that may have signed the CAS server's certificate.",
               "Fichier PEM des autorités qui peuvent avoir signé le certificat du serveur CAS."},
     .example = "./university-ca.pem",
     .type = "cas",
     .when_absent = {"the system's", "celles du système"}},
    {.name = "username_attribute",
     .kind = Kind::text,
     .slot = at<&Authenticator::cas, &CasAuthenticator::username_attribute>,
     .words = {"The attribute that usernames are made from. The person stays the CAS user.",
               "L'attribut dont sont tirés les noms d'utilisateur. La personne reste "
               "l'utilisateur CAS."},
     .example = "uid",
     .type = "cas",
     .most = 128,
     .when_absent = {"the CAS user", "l'utilisateur CAS"}},
    {.name = "name_attribute",
     .kind = Kind::text,
     .slot = at<&Authenticator::cas, &CasAuthenticator::name_attribute>,
     .words = {"The attribute with the name that pages show.",
               "L'attribut portant le nom affiché sur les pages."},
     .example = "displayName",
     .type = "cas",
     .most = 128},
    {.name = "groups_attribute",
     .kind = Kind::text,
     .slot = at<&Authenticator::cas, &CasAuthenticator::groups_attribute>,
     .words = {"The attribute whose values are groups.",
               "L'attribut dont les valeurs sont des groupes."},
     .example = "eduPersonAffiliation",
     .type = "cas",
     .most = 128,
     .when_absent = {"none", "aucun"}},
    {.name = "case_sensitive",
     .kind = Kind::boolean,
     .slot = at<&Authenticator::cas, &CasAuthenticator::case_sensitive>,
     .words =
         {"Whether `Alice` and `alice` are two people. Most CAS servers hand on what was typed, "
          "so they are one.",
          "Si `Alice` et `alice` sont deux personnes. La plupart des serveurs CAS transmettent "
          "ce qui a été saisi : c'est donc la même."},
     .example = "true",
     .type = "cas"},
    {.name = "renew",
     .kind = Kind::boolean,
     .slot = at<&Authenticator::cas, &CasAuthenticator::renew>,
     .words =
         {"The CAS server asks for the password at each sign-in, even of who is signed in there "
          "already.",
          "Le serveur CAS demande le mot de passe à chaque connexion, même à qui y est déjà "
          "connecté."},
     .example = "true",
     .type = "cas"},
    {.name = "gateway",
     .kind = Kind::boolean,
     .slot = at<&Authenticator::cas, &CasAuthenticator::gateway>,
     .words =
         {"The CAS server never asks for a password: only who is signed in there already gets "
          "in this way.",
          "Le serveur CAS ne demande jamais de mot de passe : n'entre ainsi que qui y est déjà "
          "connecté."},
     .example = "true",
     .type = "cas"},
    {.name = "sign_out",
     .kind = Kind::boolean,
     .slot = at<&Authenticator::cas, &CasAuthenticator::sign_out>,
     .words = {"Signing out here signs out of the CAS server too.",
               "Se déconnecter ici déconnecte aussi du serveur CAS."},
     .example = "false",
     .type = "cas"},
};

}  // namespace passerelle::config
