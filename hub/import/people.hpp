// What a JupyterHub's database says, written into ours: users, administrators, groups, named
// servers with their options, and tokens as the hashes that they are.
#pragma once

#include "config/settings.hpp"
#include "store/jupyterhub.hpp"
#include "store/store.hpp"

namespace passerelle::hub {

struct ImportWish {
  std::string authenticator;  ///< Whose subjects JupyterHub's names are.
  std::string profile;        ///< Of servers whose options name no profile of ours.
};

struct Imported {
  std::size_t users = 0;  ///< New ones; what was there already is left as it is.
  std::size_t admins = 0;
  std::size_t groups = 0;
  std::size_t servers = 0;
  std::size_t tokens = 0;
  std::vector<std::string> notes;  ///< What is otherwise than it was, or could not be taken over.
};

/// Durable when it returns; done twice it changes nothing more.
Task<Result<Imported>> import_people(store::Store& store,
                                     const config::Settings& settings,
                                     const store::JupyterHubData& data,
                                     ImportWish wish);

}  // namespace passerelle::hub
