"""Which requests a fault meets."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from headway.cloud.askers import Asker
from headway.cloud.faults import KILLS, Fault, FaultPlan, Kind
from headway.cloud.faulty_app import Event, Receive, Scope, Send, meant, with_faults
from headway.cloud.routes import FAULTS_ROUTE


def met(fault: Fault, requests_count: int) -> list[bool]:
    plan = FaultPlan()
    plan.replace([fault])
    return [plan.met_by("sqs", "SendMessage", "text") is not None for _ in range(requests_count)]


def test_a_fault_passes_some_and_meets_so_many() -> None:
    assert met(Fault("sqs", Kind.ERROR, skip=1, count=2), 5) == [False, True, True, False, False]


def test_a_share_is_drawn_from_a_seed() -> None:
    drawn = met(Fault("sqs", Kind.ERROR, ratio=0.5, seed=7), 100)

    assert 30 < sum(drawn) < 70
    assert drawn == met(Fault("sqs", Kind.ERROR, ratio=0.5, seed=7), 100)
    assert drawn != met(Fault("sqs", Kind.ERROR, ratio=0.5, seed=8), 100)


def test_other_services_actions_and_texts_are_let_through() -> None:
    assert not any(met(Fault("dynamodb", Kind.ERROR), 1))
    assert not any(met(Fault("sqs", Kind.ERROR, "ReceiveMessage"), 1))
    assert not any(met(Fault("sqs", Kind.ERROR, containing="other"), 1))
    assert all(met(Fault("sqs", Kind.ERROR, "SendMessage", containing="tex"), 3))


def test_a_request_says_what_it_is_by_its_signature_and_its_header_or_path() -> None:
    signature = b"AWS4-HMAC-SHA256 Credential=test/20261130/us-east-1/%s/aws4_request, SignedHeaders=host"

    def request(service: bytes, path: str, *headers: tuple[bytes, bytes]) -> tuple[str, str]:
        return meant({"path": path, "headers": [(b"authorization", signature % service), *headers]})

    target = (b"x-amz-target", b"DynamoDB_20120810.PutItem")
    assert request(b"dynamodb", "/", target) == ("dynamodb", "PutItem")
    assert request(b"lambda", "/2015-03-31/functions/name/invocations") == ("lambda", "Invoke")
    assert request(b"appconfig", "/configuration") == ("appconfig", "GetLatestConfiguration")
    assert meant({"path": "/", "headers": []}) == ("", "")
    signed = {"headers": [(b"authorization", signature % b"execute-api")], "path": "/live/v1/jobs"}
    assert meant({**signed, "method": "POST"}) == ("execute-api", "POST")


def test_the_attempts_of_an_sdk_at_one_request_are_one_where_a_fault_says_so() -> None:
    def met_of(fault: Fault) -> list[bool]:
        plan = FaultPlan()
        plan.replace([fault])
        sent = ["first", "first", "second", "second", "third", "third"]
        return [plan.met_by("sqs", "SendMessage", "", sdk_call=call) is not None for call in sent]

    assert met_of(Fault("sqs", Kind.UNREACHED, skip=1, count=1)) == [False, True, False, False, False, False]
    whole = Fault("sqs", Kind.UNREACHED, skip=1, count=1, every_attempt=True)
    assert met_of(whole) == [False, False, True, True, False, False]


def test_a_fault_is_aimed_at_the_invocations_of_a_function_that_are_about_something() -> None:
    fault = Fault("sqs", Kind.KILLED_AFTER, function="caller", about=("call-1", "id-1"))

    def concerns(function: str, event: str) -> bool:
        return fault.concerns("sqs", "SendMessage", "", Asker(function, event, lambda: None))

    assert concerns("caller", "about call-1")
    assert concerns("caller", "about id-1")
    assert not concerns("caller", "about call-2")
    assert not concerns("settler", "about call-1")
    assert not fault.concerns("sqs", "SendMessage", "about call-1"), "nobody knows who asks"


def test_only_a_function_can_be_killed() -> None:
    with pytest.raises(ValueError, match="function"):
        Fault("sqs", Kind.KILLED_BEFORE)


class Backend:
    """An app that notes the bodies that reach it, and answers 200."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope
        self.bodies.append((await receive())["body"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})


@dataclass
class Connection:
    """A connection as uvicorn has it: what was sent on it, and whether it was ended."""

    sent: list[Event] = field(default_factory=list)
    aborted: bool = False

    @property
    def transport(self) -> "Connection":
        return self

    def abort(self) -> None:
        self.aborted = True

    async def send(self, event: Event) -> None:
        self.sent.append(event)


class Cloud:
    """The backend with its faults, called as a server calls it."""

    def __init__(self) -> None:
        self.backend = Backend()
        self.killed: list[int] = []
        asker = Asker("caller", "about call-1", lambda: self.killed.append(len(self.backend.bodies)))
        self._app = with_faults(self.backend, FaultPlan(), {"KEY-1": asker})

    def call(self, method: str, path: str, body: bytes, service: str = "") -> tuple[int, bytes]:
        connection = self.connect(method, path, body, service)
        start, answer = connection.sent
        return start["status"], answer["body"]

    def connect(self, method: str, path: str, body: bytes, service: str, key: str = "test") -> Connection:
        parts = [
            {"type": "http.request", "body": body[:1], "more_body": True},
            {"type": "http.request", "body": body[1:], "more_body": False},
        ]
        connection = Connection()

        async def receive() -> Event:
            return parts.pop(0)

        signature = f"Credential={key}/20261130/us-east-1/{service}/aws4_request".encode()
        scope = {"type": "http", "method": method, "path": path, "headers": [(b"authorization", signature)]}
        asyncio.run(self._app(scope, receive, connection.send))
        return connection

    def ask(self, *faults: dict[str, Any]) -> int:
        return self.call("POST", FAULTS_ROUTE, json.dumps({"faults": faults}).encode())[0]

    def met_counts(self) -> list[int]:
        _, document = self.call("GET", FAULTS_ROUTE, b"{}")
        return [fault["met_count"] for fault in json.loads(document)["faults"]]


def test_a_lost_answer_reaches_the_backend_and_an_error_does_not() -> None:
    cloud = Cloud()
    cloud.ask({"service": "sqs", "kind": "lost", "containing": "lose"}, {"service": "sqs", "kind": "error"})

    assert cloud.call("POST", "/", b"lose it", "sqs")[0] == 500
    assert cloud.call("POST", "/", b"refuse it", "sqs")[0] == 500
    assert cloud.call("POST", "/", b"take it", "dynamodb") == (200, b"done")
    assert cloud.backend.bodies == [b"lose it", b"take it"]
    assert cloud.met_counts() == [1, 1]


@pytest.mark.parametrize(
    ("kind", "done"),
    [(Kind.UNREACHED, False), (Kind.CUT, True), (Kind.KILLED_BEFORE, False), (Kind.KILLED_AFTER, True)],
)
def test_a_connection_ends_without_an_answer_before_the_effect_or_behind_it(kind: Kind, done: bool) -> None:
    cloud = Cloud()
    cloud.ask({"service": "sqs", "kind": kind, "function": "caller", "about": ["call-1"]})

    assert cloud.call("POST", "/", b"of somebody else", "sqs") == (200, b"done")
    connection = cloud.connect("POST", "/", b"it", "sqs", "KEY-1")
    assert (connection.aborted, connection.sent) == (True, [])
    assert cloud.backend.bodies[1:] == ([b"it"] if done else [])
    assert cloud.killed == ([1 + done] if kind in KILLS else []), "killed behind the effect, if there is one"


def test_without_a_fault_a_request_goes_through_as_it_came() -> None:
    cloud = Cloud()
    cloud.ask({"service": "sqs", "kind": "throttle"})

    assert cloud.call("POST", "/", b"body", "sqs")[0] == 400
    cloud.call("DELETE", FAULTS_ROUTE, b"")
    assert cloud.call("POST", "/", b"b", "sqs") == (200, b"done")


def test_a_service_without_a_code_of_its_own_throttles_like_most() -> None:
    assert Fault("events", Kind.THROTTLE).answer == (400, "ThrottlingException")
    assert Fault("dynamodb", Kind.THROTTLE, code="ThrottlingException").answer == (400, "ThrottlingException")


def test_what_is_no_fault_is_refused_and_changes_nothing() -> None:
    cloud = Cloud()
    cloud.ask({"service": "sqs", "kind": "error"})

    assert cloud.ask({"service": "sqs", "kind": "gravity"}) == 400
    assert cloud.ask({"service": "sqs", "kind": "error", "weight": 1}) == 400
    assert cloud.call("POST", FAULTS_ROUTE, b"{")[0] == 400
    assert cloud.met_counts() == [0]
