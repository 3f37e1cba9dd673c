// Notify: what a service manager is told (sd_notify(3)): that we serve, and which process is the
// gateway now. Nothing happens without NOTIFY_SOCKET.
#pragma once

#include <string_view>

namespace passerelle::hub {

/// `lines`: "READY=1", "MAINPID=123", one a line.
void notify_service_manager(std::string_view lines) noexcept;

}  // namespace passerelle::hub
