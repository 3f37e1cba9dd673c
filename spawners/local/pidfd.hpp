// <sys/pidfd.h> of glibc 2.36 forgets to say that its functions are C's; newer ones say it, and
// twice does no harm.
#pragma once

#include <signal.h>

extern "C" {
#include <sys/pidfd.h>
}
