"""Which requests a fault meets."""

import asyncio
import json
from typing import Any

from headway.cloud.faults import Event, Fault, FaultPlan, Kind, Receive, Scope, Send, meant, with_faults
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


class Backend:
    """An app that notes the bodies that reach it, and answers 200."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope
        self.bodies.append((await receive())["body"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})


class Cloud:
    """The backend with its faults, called as a server calls it."""

    def __init__(self) -> None:
        self.backend = Backend()
        self._app = with_faults(self.backend, FaultPlan())

    def call(self, method: str, path: str, body: bytes, service: str = "") -> tuple[int, bytes]:
        parts = [
            {"type": "http.request", "body": body[:1], "more_body": True},
            {"type": "http.request", "body": body[1:], "more_body": False},
        ]
        sent: list[Event] = []

        async def receive() -> Event:
            return parts.pop(0)

        async def send(event: Event) -> None:
            sent.append(event)

        signature = f"Credential=test/20261130/us-east-1/{service}/aws4_request".encode()
        scope = {"type": "http", "method": method, "path": path, "headers": [(b"authorization", signature)]}
        asyncio.run(self._app(scope, receive, send))
        start, answer = sent
        return start["status"], answer["body"]

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
