"""The second machine of `docs/author.md`: it asks by a message, waits, and uses what it is answered."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from headway_cdk.definitions import bind_file
from headway_cdk.placeholders import Binding
from headway_lane.messages.request import REQUEST

from tests.unit.docs.author import project_with_review
from tests.workflow.conftest import ACCOUNT

if TYPE_CHECKING:
    from tests.workflow.conftest import Engine

FETCHED = {"vendor": "replicate", "job_id": "job-7", "status": "succeeded", "result": {"output": "job-7"}}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project_with_review(tmp_path_factory.mktemp("author"))


def create(engine: "Engine", root: Path, name: str, **values: Any) -> str:
    handler = (root / "functions" / "keep_review" / "handler.py").read_text()
    bound = {
        "ReplicateRequestQueueUrl": engine.queue_url,
        "ReplicateUrgentQueueUrl": engine.urgent_url,
        "ReplicateResultsQueueUrl": engine.results_url,
        "ReplicateCallTimeoutSeconds": 300,
        "ReplicateCallHeartbeatSeconds": 200,
        "ReplicateFetchTimeoutSeconds": 100,
        "ReplicateFetchHeartbeatSeconds": 50,
        "KeepReviewFunctionArn": engine.function(f"keep-{name}", handler),
        **values,
    }
    definition = bind_file(
        root / "workflows" / "review.asl.json", {key: Binding(value) for key, value in bound.items()}
    )
    engine.create(name, json.loads(definition.text))
    return name


def test_a_review_asks_waits_fetches_and_uses_the_result(engine: "Engine", root: Path) -> None:
    name = create(engine, root, "review")
    arn = engine.start(name, None, {"payload": {"prompt": "a lighthouse"}}, execution="review-1")
    message = engine.receive()
    engine.succeed(message.pop("task_token"), {"call_id": "review-1", "job_id": "job-7", "status": "succeeded"})
    machine_arn = ACCOUNT.format(service="states", resource="stateMachine:review")
    assert message == {
        "format_version": REQUEST.version,
        "vendor": "replicate",
        "call": {"machine": machine_arn, "execution": arn, "state": "CallVendor"},
        "payload": {"prompt": "a lighthouse"},
    }
    fetch = engine.receive_fetch()
    engine.succeed(fetch.pop("task_token"), {**FETCHED, "call_id": "review-1"})
    assert fetch == {
        "format_version": 2,
        "kind": "fetch",
        "call_id": "review-1",
        "job_id": "job-7",
        "status": "succeeded",
    }
    run = engine.end(arn)
    assert run.states == ["CallVendor", "FetchResult", "KeepReview"]
    assert run.output == {"review": "review-1", "says": "job-7"}


def test_a_review_that_is_urgent_goes_into_the_urgent_queue_and_fails_with_its_call(
    engine: "Engine", root: Path
) -> None:
    name = create(engine, root, "urgent-review")
    arn = engine.start(name, None, {"payload": {}, "urgent": True, "call": {"execution": "arn:of-the-first"}})
    message, group = engine.receive_with_group(engine.urgent_url)
    engine.fail(message["task_token"], "Vendor.Rejected", "HTTP 422")
    assert (group, message["call"]["execution"]) == ("reviews", "arn:of-the-first")
    assert engine.end(arn).states == ["CallVendor", "ReviewFailed"]


def test_a_review_that_nobody_answers_fails(engine: "Engine", root: Path) -> None:
    limits = {"ReplicateCallTimeoutSeconds": 3, "ReplicateCallHeartbeatSeconds": 1}
    name = create(engine, root, "silent-review", **limits)
    arn = engine.start(name, None, {"payload": {}}, execution="review-2")
    assert engine.receive()["call"]["execution"] == arn
    assert engine.end(arn).states == ["CallVendor", "ReviewFailed"]
