"""Connections that are made ahead, over real sockets of the loopback, plain and under TLS."""

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import parse_headers
from pathlib import Path
from queue import SimpleQueue

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from headway_lane.vendor_api.warm_connection import IDLE_S, WarmClient

HOST = "127.0.0.1"
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
DONE_S = 10


@dataclass
class Server:
    """Accepts connections, says how many, and answers every request on them."""

    context: ssl.SSLContext | None
    listener: socket.socket = field(default_factory=lambda: socket.create_server((HOST, 0)))
    accepted: SimpleQueue[socket.socket] = field(default_factory=SimpleQueue)
    open: list[socket.socket] = field(default_factory=list)
    requests_count: int = 0

    @property
    def url(self) -> str:
        return f"{'https' if self.context else 'http'}://{HOST}:{self.listener.getsockname()[1]}"

    def run(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError):
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            self.open.append(connection)
            self.accepted.put(connection)
            stream = connection.makefile("rb")
            while stream.readline():
                headers = parse_headers(stream)
                stream.read(int(headers.get("content-length", 0)))
                self.requests_count += 1
                connection.sendall(ANSWER)

    def next(self) -> socket.socket:
        """Return the next connection, when its handshake is over."""
        return self.accepted.get(timeout=DONE_S)

    @property
    def more_count(self) -> int:
        """Connections that nobody has asked for by `next`."""
        return self.accepted.qsize()

    def close(self) -> None:
        for connection in (self.listener, *self.open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a key and a certificate of the loopback, signed by itself, into one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + made.public_bytes(serialization.Encoding.PEM)
    path = tmp_path_factory.mktemp("tls") / "loopback.pem"
    path.write_bytes(pem)
    return path


@pytest.fixture(params=["plain", "tls"])
def server(request: pytest.FixtureRequest, certificate: Path) -> Iterator[Server]:
    context = None
    if request.param == "tls":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        context.set_alpn_protocols(["h2", "http/1.1"])
    made = Server(context)
    thread = threading.Thread(target=made.run, daemon=True)
    thread.start()
    yield made
    made.close()
    thread.join(DONE_S)


@dataclass
class Clock:
    now_us: int = 0

    def __call__(self) -> int:
        return self.now_us


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(server: Server, certificate: Path, clock: Clock) -> Iterator[WarmClient]:
    context = ssl.create_default_context(cafile=certificate)
    with WarmClient(server.url, context=context, monotonic_us=clock) as made:
        yield made


def test_a_request_goes_by_the_connection_that_was_made_ahead(server: Server, client: WarmClient) -> None:
    client.connect_ahead()
    server.next()
    assert client.get("/").status_code == 200
    assert (server.more_count, server.requests_count) == (0, 1)


def test_a_connection_ahead_speaks_http_1_whatever_the_server_offers(server: Server, client: WarmClient) -> None:
    client.connect_ahead()
    found = server.next()
    client.get("/")
    if isinstance(found, ssl.SSLSocket):
        assert found.selected_alpn_protocol() == "http/1.1"


def test_nothing_is_connected_ahead_where_an_idle_connection_serves(server: Server, client: WarmClient) -> None:
    client.get("/")
    server.next()
    client.connect_ahead()
    assert client.get("/").status_code == 200
    assert (server.more_count, server.requests_count) == (0, 2)


def test_a_connection_that_waits_is_not_made_twice(server: Server, client: WarmClient) -> None:
    client.connect_ahead()
    server.next()
    client.connect_ahead()
    client.get("/")
    assert server.more_count == 0


def test_the_connection_made_ahead_is_kept_for_the_requests_behind(server: Server, client: WarmClient) -> None:
    client.connect_ahead()
    server.next()
    for _ in range(3):
        client.get("/")
    assert (server.more_count, server.requests_count) == (0, 3)


def test_a_connection_made_ahead_is_handed_out_once(server: Server, client: WarmClient) -> None:
    client.connect_ahead()
    server.next()
    with client.stream("GET", "/"):
        assert client.get("/").status_code == 200
        server.next()


def test_a_connection_that_the_server_has_closed_meanwhile_carries_no_request(
    server: Server, client: WarmClient
) -> None:
    client.connect_ahead()
    server.next().shutdown(socket.SHUT_RDWR)
    assert client.post("/", json={}).status_code == 200
    server.next()
    assert (server.more_count, server.requests_count) == (0, 1)


def test_one_that_is_closed_while_it_waits_is_made_anew_ahead(server: Server, client: WarmClient) -> None:
    client.connect_ahead()
    server.next().shutdown(socket.SHUT_RDWR)
    client.connect_ahead()
    server.next()
    assert client.post("/", json={}).status_code == 200
    assert (server.more_count, server.requests_count) == (0, 1)


def test_an_idle_one_that_is_closed_after_its_request_is_made_anew_ahead(server: Server, client: WarmClient) -> None:
    client.get("/")
    server.next().shutdown(socket.SHUT_RDWR)
    client.connect_ahead()
    server.next()
    assert client.post("/", json={}).status_code == 200
    assert server.more_count == 0


def test_a_connection_on_which_something_came_unasked_carries_no_request(server: Server, client: WarmClient) -> None:
    client.connect_ahead()
    server.next().sendall(b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n")
    assert client.get("/").status_code == 200


@pytest.mark.parametrize(("idle_s", "connections_count"), [(IDLE_S - 1, 1), (IDLE_S, 2)])
def test_a_connection_is_used_as_long_as_the_proxy_keeps_it_and_no_longer(
    server: Server, client: WarmClient, clock: Clock, idle_s: int, connections_count: int
) -> None:
    client.connect_ahead()
    server.next()
    clock.now_us += idle_s * 1_000_000
    client.get("/")
    if connections_count > 1:
        server.next()
    assert (server.more_count, server.requests_count) == (0, 1)


def test_what_cannot_be_connected_ahead_is_met_by_the_request(certificate: Path) -> None:
    with socket.create_server((HOST, 0)) as closed:
        url = f"https://{HOST}:{closed.getsockname()[1]}"
    with WarmClient(url, context=ssl.create_default_context(cafile=certificate)) as client:
        client.connect_ahead()
        with pytest.raises(httpx.ConnectError):
            client.get("/")


def test_a_server_that_proves_nothing_is_not_trusted_ahead(server: Server) -> None:
    if server.context is None:
        pytest.skip("plain connections prove nothing")
    with WarmClient(server.url, context=ssl.create_default_context()) as client:
        client.connect_ahead()
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            client.get("/")
    assert server.requests_count == 0


def test_a_client_that_is_closed_closes_what_it_made_ahead(server: Server, certificate: Path) -> None:
    with WarmClient(server.url, context=ssl.create_default_context(cafile=certificate)) as client:
        client.connect_ahead()
        found = server.next()
    found.settimeout(DONE_S)
    with suppress(OSError):
        assert found.recv(1) == b""
