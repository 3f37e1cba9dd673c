// What the hub asks a spawner of charts before a launch: the form for somebody, and the form filled
// in. The work is done on the spawner's workers.
#pragma once

#include <memory>

#include "spawners/kubernetes/catalogue.hpp"
#include "spawners/kubernetes/chart/form.hpp"
#include "spawners/kubernetes/chart_values.hpp"
#include "spawners/kubernetes/projects.hpp"
#include "spawners/kubernetes/quota.hpp"
#include "spawners/spawner.hpp"

namespace passerelle::spawners::kubernetes {

/// What a person chose of a catalogue stands among a launch's values, under names that no place of
/// a form has.
inline constexpr const char* kChosenChart = "@chart";
inline constexpr const char* kChosenVersion = "@version";  ///< None: the newest

struct ChartOffer {
  std::shared_ptr<const ServerSpec> spec;  ///< For whom
  ChartSourcePtr source;                   ///< Null: a chart has to be chosen.
  ChartForm form;
  std::string release;
  std::string namespace_;
  /// "s3", "vault": keys that the chart asks for and this person's sign-in cannot get.
  std::vector<std::string> out_of_reach = {};
  std::vector<Project> projects;  ///< What can be chosen as kChosenProject
};
using ChartOfferPtr = std::shared_ptr<const ChartOffer>;

/// What to put into a form: what its page sent, or changes.
struct Filling {
  bool from_page = false;
  std::map<std::string, std::string> fields;  ///< chart::Sent
  std::string add;
  std::string remove;
  chart::Changes changes;        ///< Unless from_page
  bool without_secrets = false;  ///< Those of an earlier launch are not shown again.
};

struct FilledForm {
  chart::Changes changes;  ///< What a launch is given.
  std::vector<config::ValueProblem> problems;
  std::vector<chart::Group> groups;
  std::string yaml;     ///< The values for Helm, secrets covered
  std::string link;     ///< The changes in a link's syntax, without secrets
  std::string archive;  ///< Its file's name
  Demand demand;        ///< Of the namespace's quota
};

/// Any thread.
FilledForm fill(const ChartOffer& offer, const Filling& filling);

/// A release in a project.
struct Neighbour {
  std::string release;
  std::string chart;   ///< "minilab-1.2.0"
  std::string launch;  ///< Of ours; empty: somebody else has installed it.
  bool runs = false;   ///< Neither suspended nor under way
};

class ChartDesk {
 public:
  virtual ~ChartDesk() = default;
  /// `spec` as start() would get it; its profile has a chart. The form is the one that the launch
  /// will use, but for the secret. Errc::unavailable: the chart cannot be read; Errc::invalid: it
  /// has no form.
  virtual Task<Result<ChartOfferPtr>> offer(ServerSpec spec) = 0;
  /// What can be chosen, of a profile with a catalogue.
  virtual Task<Result<CatalogueListPtr>> charts(config::KubernetesProfile profile) = 0;
  virtual Task<Result<FilledForm>> filled(ChartOfferPtr offer, Filling filling) = 0;
  /// How full a namespace is: `fresh`, or as it was a moment ago. Empty: nobody says.
  virtual Task<std::vector<Gauge>> quota(std::string in_namespace, bool fresh) = 0;
  /// What is installed in a project, by whomever. Empty for the one namespace of everybody, which
  /// nobody is shown, and when nobody answers within two seconds.
  virtual Task<std::vector<Neighbour>> neighbours(std::string in_namespace) = 0;
  /// What the chart has to say to who installed it (NOTES.txt), as it wrote it: somebody else's
  /// words, with secrets in them. `state`: of a server that was started.
  virtual Task<Result<std::string>> notes(State state) = 0;
  /// The release of a stopped server goes for good, with what it kept. Not there is success.
  virtual Task<Result<void>> uninstall(ServerSpec spec) = 0;
};

}  // namespace passerelle::spawners::kubernetes
