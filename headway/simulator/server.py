"""Serves a simulated vendor: in the foreground for the command line, in a background thread for tests."""

import errno
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Self

import uvicorn

from headway.errors import PortInUse
from headway.simulator.account import Account
from headway.simulator.offer import Offer
from headway.simulator.simulator import REPLICATE, Role, Simulator
from headway.simulator.vendor_report import VendorReport

LOOPBACK = "127.0.0.1"
LISTEN_BACKLOG = 2048
START_TIMEOUT_S = 10.0
GRACE_S = 1  # how long answers under way may take when the server is told to stop
STOP_TIMEOUT_S = 5.0


class VendorServer:
    """A vendor in a thread of this process: `with VendorServer(Offer()) as vendor: ... vendor.url, vendor.report()`.

    Port 0 takes a free one. The port is bound at construction, so PortInUse comes before anything is served.
    """

    def __init__(self, offer: Offer, *, role: Role = REPLICATE, host: str = LOOPBACK, port: int = 0) -> None:
        self._socket = listen(host, port)
        self.url = f"http://{host}:{self._socket.getsockname()[1]}"
        self._simulator = Simulator(offer, role=role)
        self._server = _Server(self._simulator)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), name="vendor", daemon=True)

    @property
    def account(self) -> Account:
        """What the vendor knows of its customer; may be changed while it serves."""
        return self._simulator.account

    def report(self) -> VendorReport:
        """Say what the vendor has seen so far."""
        return self._simulator.report()

    def start(self) -> None:
        """Serve in the background; return when calls are answered."""
        self._thread.start()
        if not self._server.ready.wait(START_TIMEOUT_S):
            raise RuntimeError(f"the vendor simulator did not start within {START_TIMEOUT_S:g} s")

    def stop(self) -> None:
        """End the server and all jobs and callbacks under way."""
        self._server.should_exit = True
        self._thread.join(STOP_TIMEOUT_S)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def serve(
    offer: Offer,
    *,
    role: Role = REPLICATE,
    callback_url: str | None = None,
    host: str = LOOPBACK,
    port: int,
    on_ready: Callable[[str], None] = lambda _url: None,
) -> VendorReport:
    """Serve in the foreground until Ctrl-C or SIGTERM, then return the report.

    `callback_url` is the account's, for vendors that are not told one with each submit. `on_ready` is told the base URL
    once the port is bound. Raises PortInUse before serving.
    """
    with listen(host, port) as listener:
        simulator = Simulator(offer, role=role)
        simulator.account.callback_url = callback_url
        on_ready(f"http://{host}:{listener.getsockname()[1]}")
        _Server(simulator).run([listener])
    return simulator.report()


class _Server(uvicorn.Server):
    """uvicorn that says when it is up, and that takes a signal as the wish to stop, not as a death to pass on."""

    def __init__(self, simulator: Simulator) -> None:
        super().__init__(
            uvicorn.Config(
                simulator.app,
                loop="asyncio",
                lifespan="on",
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=GRACE_S,
            )
        )
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread may listen to signals
            return
        earlier = {number: signal.signal(number, self.handle_exit) for number in _STOP_SIGNALS}
        try:
            yield
        finally:
            for number, handler in earlier.items():
                signal.signal(number, handler)


_STOP_SIGNALS: Sequence[signal.Signals] = (signal.SIGINT, signal.SIGTERM)


def listen(host: str, port: int) -> socket.socket:
    """Bind and listen at once, so that a second server on the port fails here."""
    # Named as TCP: else asyncio leaves Nagle's algorithm on, and answers wait 40 ms for the ACK of their own headers.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # elsewhere the option lets two servers share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(LISTEN_BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(f"{host}:{port} is in use: choose another with --port") from None
        raise
    return listener
