// `type: kubernetes`: servers as pods of a cluster.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "config/secret.hpp"
#include "config/spawners/lent.hpp"

namespace passerelle::config {

struct KubernetesSpawner {
  std::string kubeconfig;  ///< A file; empty: the account of the pod that the gateway runs in.
  std::string context;     ///< Of that file; empty: its current one.
  /// Where pods run, `{username}` for one of each person; empty: the context's, or the gateway's
  /// own.
  std::string namespace_;
  std::string group_namespace;              ///< `{group}`: projects of groups; empty: none.
  std::vector<std::string> project_groups;  ///< Which groups, `*` is anything; empty: all.
  std::string project_file;                 ///< What is put into each of those namespaces.
  /// Images that a person may choose by a form: "jupyter/*:2026-*"; `*` stops at a slash.
  std::vector<std::string> images;
  std::string pull = "IfNotPresent";           ///< Always, IfNotPresent, Never
  std::string pull_secret;                     ///< For a private registry; empty: none.
  std::string volume = "claim-{user_server}";  ///< The person's claim; z2jh's name.
  std::string storage;             ///< Its size: "10Gi"; empty: no claim, nothing is kept.
  std::string storage_class;       ///< Empty: the cluster's own choice.
  std::vector<std::string> binds;  ///< "/srv/data:/data:ro": folders of the nodes, for every pod.
  std::string service_account;     ///< Empty: the namespace's default, without its token.
  std::uint64_t memory = 0;        ///< Bytes; 0: no limit.
  double cpu = 0;
  std::uint64_t memory_guarantee = 0;
  double cpu_guarantee = 0;
  seconds stop_patience{10};  ///< After SIGTERM, until SIGKILL.
  std::string helm;           ///< The program, for chart profiles; a file.
  std::string helm_digest;    ///< Its SHA-256 in hex; empty: any.
  seconds helm_timeout{60};
  std::uint32_t helm_processes = 2;  ///< At once.
  std::string act_as;                ///< Helm impersonates this user; empty: the gateway's account.
  std::string reach = "service";     ///< Charts: "service" or "pod".
  std::string domain;                ///< `k8s.domain` of expressions.
  S3Keys s3;                         ///< For charts
  VaultTokens vault;                 ///< Likewise
};

/// `profiles[].chart` and `profiles[].catalogue`: a Helm chart instead of a command.
struct KubernetesProfile {
  std::string archive;    ///< The .tgz
  std::string digest;     ///< Its SHA-256 in hex; empty: any.
  std::string catalogue;  ///< Instead: a Helm repository's URL, or a folder of such archives
  std::string catalogue_user;
  Secret catalogue_password;
  std::string catalogue_ca;         ///< PEM; empty: the system's
  std::vector<std::string> charts;  ///< Which of them, `*` is anything; empty: all.
  std::uint32_t versions = 5;       ///< Of each chart
  std::string context;    ///< What the operators add to the context of expressions; a file.
  std::string overrides;  ///< Folder for overwriteSchemaWith.
  std::string service;    ///< Which Service is opened; empty: found out.
  std::string port;       ///< Its port's name or number; empty: found out.
};

}  // namespace passerelle::config
