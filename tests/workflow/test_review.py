"""The second machine of `docs/author.md`: it asks by a message, waits, and uses what it is answered."""

import importlib.util
from pathlib import Path

import pytest

from headway.testing.kit.interpreter import arn_of
from headway.testing.kit.workflow_test import WorkflowTest
from tests.unit.docs.author import project_with_review
from tests.workflow.conftest import Machine

ASKED = {"payload": {"prompt": "a lighthouse"}}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project_with_review(tmp_path_factory.mktemp("author"))


@pytest.fixture
def review(workflow_test: Machine, root: Path) -> WorkflowTest:
    """Return the machine with its own function."""
    spec = importlib.util.spec_from_file_location("keep_review", root / "functions" / "keep_review" / "handler.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made = workflow_test("review", folder=root)
    made.function("keep_review").runs(module.handle)
    return made


def test_a_review_asks_waits_fetches_and_uses_the_result(review: WorkflowTest) -> None:
    vendor = review.vendor("replicate").answers({"output": "a picture"}, after_s=60)
    run = review.run(ASKED, name="review-1")
    assert run.states == ["CallVendor", "FetchResult", "KeepReview"]
    [asked] = vendor.calls
    machine = run.calls[0].arguments["MessageBody"]["call"]["machine"]
    assert asked.message["call"] == {
        "machine": machine,
        "execution": arn_of(f"execution:{machine.rpartition(':')[2]}:review-1"),
        "state": "CallVendor",
    }
    assert (asked.payload, asked.urgent) == (ASKED["payload"], False)
    assert run.output == {"review": run.inputs["FetchResult"]["call_id"], "says": "a picture"}


def test_a_review_that_is_urgent_goes_into_the_urgent_queue_and_fails_with_its_call(review: WorkflowTest) -> None:
    vendor = review.vendor("replicate").rejects("HTTP 422")
    run = review.run({"payload": {}, "urgent": True, "call": {"execution": "arn:of-the-first"}})
    [asked] = vendor.calls
    assert (asked.tenant, asked.message["call"]["execution"]) == ("reviews", "arn:of-the-first")
    assert run.calls[0].arguments["QueueUrl"].endswith(("-urgent", "-requests"))
    assert run.states == ["CallVendor", "ReviewFailed"]


def test_a_review_that_nobody_answers_fails(review: WorkflowTest) -> None:
    review.vendor("replicate").never_answers()
    assert review.run({"payload": {}}).states == ["CallVendor", "ReviewFailed"]
