"""A connection to the proxy before there is a request for it (hop 5): DNS, TCP and TLS come before the slot, not after.

A worker that makes its first call, or has made none for a while, has no connection. What it costs to make one would lie
between slot and socket, where the headroom has to cover it. So whoever gets ready connects ahead, and the request that
follows finds the connection made. It is used where nothing has come on it: whoever has closed it in between would leave
a submit in doubt.
"""

import ssl
from collections.abc import Callable
from typing import Final, NamedTuple

import httpcore
import httpx

from headway_lane.runtime import clock
from headway_lane.runtime.aws import CONNECT_TIMEOUT_S

IDLE_S: Final = 50
"""How long a connection may be idle. API Gateway does not say when it closes one (its quotas of REST APIs have no such
line); what stands before AWS's services does after 60 s (Elastic Load Balancing, connection idle timeout). A worker
that was frozen meanwhile has not seen that, so it must be the first to let go.
"""
_ALPN: Final = ["http/1.1"]


class Ahead(NamedTuple):
    """A connection that was made for nobody yet, secured where its origin is, and when."""

    origin: httpcore.Origin
    stream: httpcore.NetworkStream
    made_us: int

    def serves(self, origin: httpcore.Origin, now_us: int) -> bool:
        """Return whether a request to an origin may go by it."""
        young = now_us - self.made_us < IDLE_S * 1_000_000
        return origin == self.origin and young and _silent(self.stream)


class WarmPool(httpcore.ConnectionPool):
    """A pool of connections, one of which may be made ahead. One thread at a time may use it, as in a function."""

    def __init__(self, context: ssl.SSLContext, monotonic_us: Callable[[], int]) -> None:
        super().__init__(ssl_context=context, keepalive_expiry=IDLE_S)
        self._monotonic_us = monotonic_us
        self._context = context
        self._backend = httpcore.SyncBackend()
        self._ahead: Ahead | None = None

    def connect_ahead(self, origin: httpcore.Origin) -> None:
        """See that the next request to an origin finds a connection: an idle one, or one that is made now. Nothing
        happens where it cannot be made: the request meets that itself.
        """
        if any(_idle(connection, origin) for connection in self.connections):
            return
        if self._ahead is not None and self._ahead.serves(origin, self._monotonic_us()):
            return
        self._let_go()
        try:
            self._ahead = Ahead(origin, self._connected(origin), self._monotonic_us())
        except (httpcore.ConnectError, httpcore.ConnectTimeout):
            return

    def create_connection(self, origin: httpcore.Origin) -> httpcore.ConnectionInterface:
        """Return the connection that was made ahead, where it still serves; the pool's own otherwise, which connects
        when it sends.
        """
        ahead = self._ahead
        if ahead is None or not ahead.serves(origin, self._monotonic_us()):
            self._let_go()
            return super().create_connection(origin)
        self._ahead = None
        return httpcore.HTTP11Connection(origin, ahead.stream, keepalive_expiry=IDLE_S)

    def close(self) -> None:
        """Close every connection."""
        self._let_go()
        super().close()

    def _connected(self, origin: httpcore.Origin) -> httpcore.NetworkStream:
        host = origin.host.decode("ascii")
        stream = self._backend.connect_tcp(host, origin.port, timeout=CONNECT_TIMEOUT_S)
        if origin.scheme != b"https":
            return stream
        self._context.set_alpn_protocols(_ALPN)
        return stream.start_tls(self._context, server_hostname=host, timeout=CONNECT_TIMEOUT_S)

    def _let_go(self) -> None:
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            ahead.stream.close()


class WarmTransport(httpx.HTTPTransport):
    """What httpx sends by, over a pool that can connect ahead; `context` says whom it trusts."""

    def __init__(self, context: ssl.SSLContext, monotonic_us: Callable[[], int]) -> None:
        super().__init__(verify=context)
        self._pool: WarmPool = WarmPool(context, monotonic_us)

    def connect_ahead(self, url: httpx.URL) -> None:
        """See that the next request to the host of a URL finds a connection."""
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=b"/")
        self._pool.connect_ahead(target.origin)


class WarmClient(httpx.Client):
    """An HTTP client of one host that can connect ahead. Whom it trusts is as httpx has it, unless a `context` says."""

    def __init__(
        self,
        url: str,
        auth: httpx.Auth | None = None,
        *,
        context: ssl.SSLContext | None = None,
        monotonic_us: Callable[[], int] = clock.monotonic_us,
    ) -> None:
        self._warm = WarmTransport(context or httpx.create_ssl_context(), monotonic_us)
        super().__init__(base_url=url, auth=auth, transport=self._warm)

    def connect_ahead(self) -> None:
        """See that the next request finds a connection."""
        self._warm.connect_ahead(self.base_url)


def _idle(connection: httpcore.ConnectionInterface, origin: httpcore.Origin) -> bool:
    """Return whether the pool would send the next request by a connection."""
    return connection.can_handle_request(origin) and connection.is_available() and not connection.has_expired()


def _silent(stream: httpcore.NetworkStream) -> bool:
    """Return whether nothing has come by a stream that was asked nothing: no end of it, and no word.

    It is read, because a socket under TLS 1.3 is readable from the start: the server's session tickets lie in it. Every
    later read and write of httpcore sets a timeout of its own.
    """
    sock = stream.get_extra_info("socket")
    try:
        sock.setblocking(False)
        sock.recv(1)
    except (BlockingIOError, ssl.SSLWantReadError):
        return True
    except OSError:
        return False
    return False
