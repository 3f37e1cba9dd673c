// The whole of `passerelle proxy`: public side, REST API, metrics, redirection, pid file, signals.
#pragma once

#include "chp/options.hpp"

namespace passerelle::chp {

/// Serves until SIGTERM or SIGINT. The exit code: 2 after a signal, 1 if it could not start.
int run(Options options);

}  // namespace passerelle::chp
