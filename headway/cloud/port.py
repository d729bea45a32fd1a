"""A port on 127.0.0.1 that nobody else listens on."""

import errno
import socket

from headway.errors import PortInUse, StartFailed


def free_port(port: int | None) -> int:
    """Return `port`, or any free one for None, after binding it once."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections of the last run are in TIME_WAIT
        try:
            probe.bind(("127.0.0.1", port or 0))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise StartFailed(f"127.0.0.1:{port}: {error.strerror}; choose another with --port") from error
            raise _port_in_use(port) from error
        # Some systems let it bind beside a listener on 0.0.0.0: a connection shows that one.
        if port is not None and _is_answered(port):
            raise _port_in_use(port)
        return int(probe.getsockname()[1])


def _port_in_use(port: int | None) -> PortInUse:
    return PortInUse(f"127.0.0.1:{port} is in use: choose another with --port or stop what listens there")


def _is_answered(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
