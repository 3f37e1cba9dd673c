// Pages of a list over REST, as JupyterHub cuts them: a bare list, or with `Accept:
// application/jupyterhub-pagination+json` an object that says where the next one is.
#pragma once

#include "hub/answers.hpp"
#include "hub/parts.hpp"

namespace passerelle::hub::api {

struct PageWanted {
  std::size_t offset = 0;
  std::size_t limit = 0;
  bool told = false;  ///< The caller reads the object.
};

/// Of ?offset= and ?limit=; Errc::invalid for what is no number.
Result<PageWanted> page_wanted(const Call& call);

/// `items` are those of the page alone; `total` counts all.
proxy::HubResponse page_answer(const Call& call,
                               const PageWanted& wanted,
                               Json items,
                               std::size_t total);

}  // namespace passerelle::hub::api
