"""The second machine of `docs/author.md`: it asks by a message, waits, and uses what it is answered."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from headway_cdk.definitions import bind_file
from headway_cdk.placeholders import Binding

from tests.unit.docs.author import project_with_review
from tests.workflow.conftest import ECHO_ARN

if TYPE_CHECKING:
    from tests.workflow.conftest import Engine

FETCHED = """
def handle(event, context):
    return {"outcome": "fetched", "result": {"output": event["job_id"]}}
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project_with_review(tmp_path_factory.mktemp("author"))


def create(engine: "Engine", root: Path, name: str, **values: Any) -> str:
    handler = (root / "functions" / "keep_review" / "handler.py").read_text()
    bound = {
        "ReplicateRequestQueueUrl": engine.queue_url,
        "ReplicateUrgentQueueUrl": engine.urgent_url,
        "ReplicateCallsTable": "calls",
        "ReplicateCallTimeoutSeconds": 300,
        "ReplicateCallHeartbeatSeconds": 200,
        "ReplicateResultsTimeoutSeconds": 50,
        "KeepReviewFunctionArn": engine.function(f"keep-{name}", handler),
        **values,
    }
    definition = bind_file(
        root / "workflows" / "review.asl.json", {key: Binding(value) for key, value in bound.items()}
    )
    engine.create(name, json.loads(definition.text))
    return name


def test_a_review_asks_waits_fetches_and_uses_the_result(engine: "Engine", root: Path) -> None:
    name = create(engine, root, "review", ReplicateResultsFunctionArn=engine.function("fetched", FETCHED))
    arn = engine.start(name, None, {"payload": {"prompt": "a lighthouse"}}, execution="review-1")
    message = engine.receive()
    engine.succeed(message.pop("task_token"), {"call_id": "review-1", "job_id": "job-7", "status": "succeeded"})
    assert message == {
        "call_id": "review-1",
        "vendor": "replicate",
        "idempotency_key": "review-1",
        "predecessor": "",
        "payload": {"prompt": "a lighthouse"},
    }
    run = engine.end(arn)
    assert run.states == ["CallVendor", "FetchResult", "RouteResult", "KeepReview"]
    assert run.output == {"review": "review-1", "says": "job-7"}


def test_a_review_that_is_urgent_goes_into_the_urgent_queue_and_fails_with_its_call(
    engine: "Engine", root: Path
) -> None:
    name = create(engine, root, "urgent-review", ReplicateResultsFunctionArn=ECHO_ARN)
    arn = engine.start(name, None, {"payload": {}, "urgent": True, "predecessor": "hw-1-1"})
    message, group = engine.receive_with_group(engine.urgent_url)
    engine.fail(message["task_token"], "Vendor.Rejected", "HTTP 422")
    assert (group, message["predecessor"]) == ("reviews", "hw-1-1")
    assert engine.end(arn).states == ["CallVendor", "ReviewFailed"]


def test_a_review_that_nobody_answers_is_expired_in_the_ledger(engine: "Engine", root: Path) -> None:
    limits = {"ReplicateCallTimeoutSeconds": 3, "ReplicateCallHeartbeatSeconds": 1}
    name = create(engine, root, "silent-review", ReplicateResultsFunctionArn=ECHO_ARN, **limits)
    engine.put("calls", call_id="review-2", state="queued")
    arn = engine.start(name, None, {"payload": {}}, execution="review-2")
    assert engine.receive()["call_id"] == "review-2"
    assert engine.end(arn).states == ["CallVendor", "ExpireCall", "ReviewFailed"]
    assert engine.item("calls", call_id="review-2")["state"] == "expired"
