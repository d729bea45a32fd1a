"""Real boto3 clients without a network: the hook before the socket asks the services of a run, or fails as it is due.

Clients are made once per process, because making them is slow; they are of no run, and ask the one that is on.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from typing import Any, Final
from unittest.mock import patch

import boto3
import botocore.session
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectionClosedError, ConnectTimeoutError, ReadTimeoutError
from botocore.retries.quota import RetryQuota
from moto.core.models import botocore_stubber

from tests.matrix.faults import Kind
from tests.matrix.recording import Recording
from tests.matrix.wire import document_of
from tests.matrix.world import World

REGION: Final = "eu-west-1"
LATENCY_S: Final = 0.005
CONNECT_TIMEOUT_S: Final = 1.0
READ_TIMEOUT_S: Final = 3.0

Response = tuple[int, Mapping[str, str], bytes]
Service = Callable[[str, AWSPreparedRequest], Response]
"""Answers an operation: status, headers, body."""

THROTTLES: Final[Mapping[str, Response]] = {
    "s3": (503, {}, b"<Error><Code>SlowDown</Code><Message>slow down</Message></Error>"),
    "sqs": (400, {}, b'{"__type": "com.amazonaws.sqs#RequestThrottled", "message": "slow down"}'),
    "appconfigdata": (429, {"x-amzn-ErrorType": "ThrottlingException"}, b'{"Message": "slow down"}'),
}
THROTTLE: Final[Response] = (400, {}, b'{"__type": "ThrottlingException", "message": "slow down"}')


class Network:
    """Between the clients of one run and its services, by their endpoint prefix."""

    def __init__(self, world: World, recording: Recording, services: Mapping[str, Service]) -> None:
        self._world = world
        self._recording = recording
        self._services = services
        self._seen: dict[str, Any] = {}

    def send(self, event_name: str, request: AWSPreparedRequest) -> AWSResponse:
        """Answer a request, or raise what the socket or the end of the function would."""
        invocation = self._recording.invocation
        if invocation is not None:
            invocation.alive()
        _, service, operation = event_name.split(".")
        service = {"sfn": "states", "secrets-manager": "secretsmanager"}.get(service, service)
        self._world.sleep(LATENCY_S)
        kind = self._kind(service, operation, request)
        url = str(request.url)
        self._recording.strike_before(kind)
        if kind is Kind.UNREACHED:
            self._world.sleep(CONNECT_TIMEOUT_S)
            raise ConnectTimeoutError(endpoint_url=url)
        if kind is Kind.THROTTLED:
            return _response(url, THROTTLES.get(service, THROTTLE))
        answer = self._answer(service, operation, request)
        self._recording.strike_after(kind)
        if kind is Kind.LOST:
            raise ConnectionClosedError(endpoint_url=url)
        if kind is Kind.LOST_FOR_GOOD:
            self._world.sleep(READ_TIMEOUT_S)
            raise ReadTimeoutError(endpoint_url=url)
        return _response(url, answer)

    def _answer(self, service: str, operation: str, request: AWSPreparedRequest) -> Response:
        own = self._services.get(service)
        if own is not None:
            return own(operation, request)
        answered = botocore_stubber.process_request(request)
        assert answered is not None, f"moto does not know {request.url}"
        status, headers, body = answered
        return status, headers, body.encode() if isinstance(body, str) else body

    def _kind(self, service: str, operation: str, request: AWSPreparedRequest) -> Kind | None:
        """Return how this attempt fails: the SDK's attempts of one call share an ID."""
        identity = request.headers["amz-sdk-invocation-id"]
        identity = identity.decode() if isinstance(identity, bytes) else str(identity)
        first = identity not in self._seen
        if first:
            self._seen[identity] = self._recording.numbered(f"{service}.{operation}", _resource(request))
        kind = self._recording.kind_at(self._seen[identity])
        return None if kind is Kind.LOST and not first else kind


def _resource(request: AWSPreparedRequest) -> str:
    """Name what a request is about: a table, a queue, a profile, a folder of the bucket."""
    try:
        document = document_of(request)
    except (TypeError, ValueError):  # of S3: not JSON, or a stream
        return ""
    for field in ("TableName", "QueueUrl", "ConfigurationProfileIdentifier", "SecretId"):
        if field in document:
            return str(document[field]).rsplit("/", 1)[-1].rsplit(":", 1)[-1]
    return ""


def _response(url: str, answer: Response) -> AWSResponse:
    status, headers, body = answer
    written: Any = {name: str(value) for name, value in headers.items()}
    return AWSResponse(url, status, written, _Raw(body))


class _Raw(BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


_current: list[Network] = []
_clients: dict[tuple[str, str], Any] = {}


def _hook(event_name: str, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
    return _current[-1].send(event_name, request)


@cache
def _session() -> botocore.session.Session:
    """Return the session of all clients, with boto3's handlers: a new one for each would take longer than the rest."""
    session = botocore.session.get_session()
    boto3.session.Session(botocore_session=session)
    return session


@contextmanager
def connected(network: Network) -> Iterator[None]:
    """Let every client of this process ask a network. An SDK's quota of retries is a worker's own: here it is full."""
    session, make = _session(), botocore.session.Session.create_client

    def create_client(self: Any, service_name: str, *args: Any, config: Any = None, **options: Any) -> Any:
        key = (service_name, repr(sorted(vars(config).get("_user_provided_options", {}).items())) if config else "")
        if key not in _clients:
            options |= {"region_name": REGION, "aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
            client: Any = make(self, service_name, config=config, **{**options, "aws_session_token": None})
            client.meta.events.unregister("before-send", botocore_stubber)
            client.meta.events.register_first("before-send", _hook)
            _clients[key] = client
        return _clients[key]

    with (
        patch.object(botocore.session.Session, "create_client", create_client),
        patch.object(botocore.session, "get_session", lambda env_vars=None: session),
        patch.object(boto3.session.Session, "_register_default_handlers", lambda self: None),
        patch.object(boto3, "DEFAULT_SESSION", None),
        patch.object(RetryQuota, "acquire", lambda self, amount: True),
    ):
        _current.append(network)
        try:
            yield
        finally:
            _current.pop()
