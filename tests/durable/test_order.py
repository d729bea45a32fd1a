"""The example's durable function and a lane, end to end: early, late and doubled callbacks as with task tokens."""

import json
from typing import Any

import httpx
from aws_durable_execution_sdk_python.lambda_service import ErrorObject
from aws_durable_execution_sdk_python_testing import DurableFunctionTestRunner

from tests.checkout import ROOT
from tests.durable.lane import PATIENCE_S, LocalLane
from tests.project_suite import run_suite

RESULT = httpx.Response(200, json={"id": "job-1", "output": ["1.png"]})
DONE = {"order": "order-1", "job_id": "job-1", "output": ["1.png"]}


def ended(runner: DurableFunctionTestRunner, execution: str) -> Any:
    return json.loads(str(runner.wait_for_result(execution, timeout=PATIENCE_S).result))


def accept(lane: LocalLane) -> dict[str, Any]:
    """Bring the order's call to the vendor; return its input."""
    (call,) = lane.dispatched(lane.message())
    assert lane.called(call) == "accepted"
    return call


def fetch(lane: LocalLane) -> None:
    lane.worker.vendor.answers = [RESULT]
    lane.fetched(lane.message())


def test_an_order_ends_with_the_vendors_result(
    runner: DurableFunctionTestRunner, lane: LocalLane, execution: str
) -> None:
    accept(lane)
    lane.calls_back("processing")
    lane.calls_back()
    fetch(lane)
    assert ended(runner, execution) == DONE
    assert lane.state == "resumed"
    assert lane.functions.told.count("Success") == 2
    assert "Heartbeat" in lane.functions.told, "the caller asked whether anybody waits, and the vendor told of progress"
    (item,) = lane.worker.tables.calls.scan()["Items"]
    assert (item["execution"], item["step"]) == (execution, "CallVendor")


def test_a_callback_that_comes_before_its_job_id_is_known_is_kept_and_ends_the_wait(
    runner: DurableFunctionTestRunner, lane: LocalLane, execution: str
) -> None:
    (call,) = lane.dispatched(lane.message())
    lane.calls_back()
    assert "Success" not in lane.functions.told
    assert lane.called(call) == "accepted"
    assert lane.functions.told[-1] == "Success"
    fetch(lane)
    assert ended(runner, execution) == DONE


def test_a_callback_that_comes_again_ends_one_wait_and_no_other(
    runner: DurableFunctionTestRunner, lane: LocalLane, execution: str
) -> None:
    accept(lane)
    for _ in range(3):
        lane.calls_back()
    assert lane.functions.told.count("Success") == 1
    fetch(lane)
    lane.calls_back()
    assert ended(runner, execution) == DONE
    assert (lane.functions.told.count("Success"), lane.silent(), lane.state) == (2, True, "resumed")


def test_a_callback_whose_word_was_lost_on_the_way_finds_the_wait_ended(
    runner: DurableFunctionTestRunner, lane: LocalLane, execution: str
) -> None:
    """Who ended it, and did not live to write it down, comes again: an ended callback is nobody, and no error."""
    body = lane.message()
    (call,) = lane.dispatched(body)
    assert lane.called(call) == "accepted"
    job = {"call_id": call["call_id"], "job_id": "job-1", "status": "succeeded"}
    runner.send_callback_success(json.loads(body)["callback_id"], json.dumps(job).encode())
    lane.calls_back()
    assert (lane.functions.told.count("Success"), lane.state) == (0, "late")
    fetch(lane)
    assert ended(runner, execution) == DONE


def test_a_callback_that_comes_after_the_wait_has_ended_is_late_and_changes_nothing(
    runner: DurableFunctionTestRunner, lane: LocalLane, execution: str
) -> None:
    body = lane.message()
    (call,) = lane.dispatched(body)
    assert lane.called(call) == "accepted"
    runner.send_callback_failure(json.loads(body)["callback_id"], ErrorObject("too late", None, None, None))
    before = ended(runner, execution)
    assert before["cause"] == "too late"
    lane.calls_back()
    assert (lane.state, lane.functions.told.count("Success"), lane.silent()) == ("late", 0, True)


def test_the_vendor_is_never_called_for_a_callback_that_has_ended(
    runner: DurableFunctionTestRunner, lane: LocalLane, execution: str
) -> None:
    body = lane.message()
    (call,) = lane.dispatched(body)
    runner.send_callback_failure(json.loads(body)["callback_id"], ErrorObject("too late", None, None, None))
    ended(runner, execution)
    assert lane.called(call) == "expired"
    assert (lane.worker.vendor.requests, lane.state) == ([], "expired")


def test_the_message_of_a_step_that_was_repeated_is_the_same_call(lane: LocalLane, execution: str) -> None:
    body = lane.message()
    (call,) = lane.dispatched(body)
    assert lane.called(call) == "accepted"
    again = lane.dispatched(body)
    assert [lane.called(one, "invocation-2") for one in again] in ([], ["accepted"])
    assert len(lane.worker.vendor.requests) == 1


def test_a_job_that_failed_ends_the_order_with_the_errors_name(
    runner: DurableFunctionTestRunner, lane: LocalLane, execution: str
) -> None:
    accept(lane)
    lane.calls_back("failed")
    answer = ended(runner, execution)
    assert answer["error"] == "Vendor.JobFailed"
    assert "job-1" in answer["cause"]


def test_a_malformed_request_fails_its_callback_at_once(
    runner: DurableFunctionTestRunner, lane: LocalLane, execution: str
) -> None:
    broken = {**json.loads(lane.message()), "payload": "no object"}
    assert lane.refused(json.dumps(broken))
    assert ended(runner, execution)["error"] == "Request.Malformed"


def test_the_projects_own_tests_are_green() -> None:
    run = run_suite(ROOT / "examples" / "durable")
    assert run.returncode == 0, run.stdout + run.stderr
