"""Time that runs out, and data that is too large, end to end: the deployed machine, with waits of seconds.

The contract's heartbeat has a margin of half a minute: for some executions the deployed machine has less patience.
"""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from headway.testing.laboratory import Laboratory
from headway.testing.waiting import await_count, until

CALL = "CallVendor"
PAYLOAD = {"version": "v1", "input": {"prompt": "in time"}}
CHINESE_COUNT = 63_000
"""Characters: three bytes each on the way, and six with escapes."""
LONGEST_BYTES = 262_144
"""Of a state's input or output (service quotas of Step Functions)."""


@pytest.fixture(scope="module", autouse=True)
def _awake(lab: Laboratory) -> None:
    """Make a call before: a task that has two seconds leaves none to functions that begin at their first use."""
    assert lab.end_of(lab.start("awake", PAYLOAD))["status"] == "SUCCEEDED"


@contextmanager
def impatient(lab: Laboratory, *, machine: Mapping[str, Any], call: Mapping[str, Any]) -> Iterator[None]:
    """Give the deployed machine other limits of its own, and of its call, for executions that start meanwhile."""
    client, arn = lab.target.client("stepfunctions"), lab.lane.call_vendor_machine_arn
    deployed = client.describe_state_machine(stateMachineArn=arn)["definition"]
    definition = json.loads(deployed) | machine
    definition["States"][CALL] |= call
    client.update_state_machine(stateMachineArn=arn, definition=json.dumps(definition))
    try:
        yield
    finally:
        client.update_state_machine(stateMachineArn=arn, definition=deployed)


def test_a_call_that_gives_no_sign_of_life_times_out_and_a_redrive_takes_its_late_answer(lab: Laboratory) -> None:
    lab.vendor.reset()
    with impatient(lab, machine={}, call={"HeartbeatSeconds": 3}), lab.held(lab.callbacks.function):
        arn = lab.start("silent", PAYLOAD)
        end = lab.end_of(arn)
        assert (end["status"], end["error"]) == ("FAILED", "States.Timeout")
        assert lab.record("silent")["state"] == "accepted", "the vendor works on"
    assert until(lambda: lab.record("silent")["state"] == "late"), "nobody was resumed"
    lab.target.client("stepfunctions").redrive_execution(executionArn=arn)
    end = lab.end_of(arn)
    assert (end["status"], end["redriveCount"]) == ("SUCCEEDED", 1), end.get("cause")
    assert lab.record("silent")["state"] == "resumed"
    assert lab.vendor.report().scopes["submit"].call_count == 1, "the vendor did the work once"


def test_the_vendor_is_called_for_a_task_that_waits_and_for_no_other(lab: Laboratory) -> None:
    lab.vendor.reset()
    with impatient(lab, machine={}, call={"HeartbeatSeconds": 2}):
        with lab.held(lab.lane.dispatcher_function):
            arn = lab.start("queued-too-long", PAYLOAD)
            await_count(lambda: lab.depth(lab.lane.request_queue_url), 1, "requests that wait")
            time.sleep(3)  # the heartbeat is the service's: it has no other clock
        waited = lab.end_of(arn)["status"] == "SUCCEEDED"
    until(lambda: lab.record("queued-too-long").get("state") in ("expired", "late", "resumed"))
    assert lab.vendor.report().scopes["submit"].call_count == int(waited)


def test_the_callback_of_an_execution_that_timed_out_finds_a_dead_token(lab: Laboratory) -> None:
    with impatient(lab, machine={"TimeoutSeconds": 3}, call={}), lab.held(lab.callbacks.function):
        assert lab.end_of(lab.start("timed-out", PAYLOAD))["status"] == "TIMED_OUT"
        assert lab.record("timed-out")["state"] == "accepted", "nobody told the ledger"
    assert until(lambda: lab.record("timed-out")["state"] == "late")


def test_an_execution_that_was_stopped_takes_the_late_answer_when_it_is_redriven(lab: Laboratory) -> None:
    client = lab.target.client("stepfunctions")
    lab.vendor.reset()
    with lab.held(lab.callbacks.function):
        arn = lab.start("stopped", {"version": "v1", "input": {"prompt": "stopped"}})
        until(lambda: lab.record("stopped").get("state") == "accepted")
        until(lambda: lab.vendor.report().as_json()["jobs_by_status"].get("succeeded"))  # too late to be called off
        client.stop_execution(executionArn=arn)
        assert lab.execution(arn)["status"] == "ABORTED"
    assert until(lambda: lab.record("stopped")["state"] == "late")
    client.redrive_execution(executionArn=arn)
    end = lab.end_of(arn)
    assert (end["status"], end["redriveCount"]) == ("SUCCEEDED", 1)
    assert lab.record("stopped")["state"] == "resumed", "another attempt at the same call"
    assert lab.vendor.report().scopes["submit"].call_count == 1, "the vendor did the work once"


def test_a_call_that_the_vendor_refused_is_asked_for_again_when_it_is_redriven(lab: Laboratory) -> None:
    lab.vendor.reset()
    arn = lab.start("refused", {"input": {"prompt": "no version"}})
    assert lab.end_of(arn)["error"] == "Vendor.Rejected"
    lab.target.client("stepfunctions").redrive_execution(executionArn=arn)
    again = lab.end_of(arn)
    assert (again["status"], again["error"], again["redriveCount"]) == ("FAILED", "Vendor.Rejected", 1)
    assert lab.vendor.report().scopes["submit"].call_count == 2


def test_a_fetch_that_failed_for_good_is_repeated_by_a_redrive_and_the_vendor_does_the_work_once(
    lab: Laboratory,
) -> None:
    lab.vendor.reset()
    with lab.vendor.faulty(lost_jobs=True):
        arn = lab.start("lost-result", PAYLOAD)
        end = lab.end_of(arn)
        assert (end["status"], end["error"]) == ("FAILED", "Result.Unavailable")
    lab.target.client("stepfunctions").redrive_execution(executionArn=arn)
    end = lab.end_of(arn)
    assert (end["status"], end["redriveCount"]) == ("SUCCEEDED", 1), end.get("cause")
    scopes = lab.vendor.report().scopes
    assert scopes["submit"].call_count == 1
    assert scopes["poll"].call_count >= 2, "SQS may deliver a fetch twice, which asks once more"


def test_a_result_waits_while_the_vendor_is_down(lab: Laboratory) -> None:
    lab.vendor.reset()
    with lab.held(lab.lane.results_function):
        arn = lab.start("held-back", PAYLOAD)
        until(lambda: lab.record("held-back").get("state") == "resumed")
        lab.vendor.switch(down=True)
    until(lambda: lab.vendor.report().scopes["poll"].call_count >= 1)
    assert lab.execution(arn)["status"] == "RUNNING"
    lab.vendor.switch(down=False)
    end = lab.end_of(arn)
    assert end["status"] == "SUCCEEDED", end.get("cause")
    assert lab.vendor.report().scopes["submit"].call_count == 1


def test_a_payload_of_chinese_travels_by_its_bytes_and_not_by_its_escapes(lab: Laboratory) -> None:
    payload = {"version": "v1", "input": {"prompt": "\u6c34" * CHINESE_COUNT}}
    given = json.dumps({"payload": payload}, ensure_ascii=False)
    arn = lab.target.client("stepfunctions").start_execution(
        stateMachineArn=lab.lane.call_vendor_machine_arn, name="chinese", input=given
    )["executionArn"]
    end = lab.end_of(arn)
    assert end["status"] == "SUCCEEDED", end.get("cause")


def test_a_result_that_no_state_can_carry_goes_by_claim_check(lab: Laboratory) -> None:
    end = lab.end_of(lab.start("large", {"version": "v1", "input": {"prompt": "x" * (LONGEST_BYTES - 70_000)}}))
    assert end["status"] == "SUCCEEDED", end.get("cause")
    claim = json.loads(end["output"])["result"]["headway_claim"]
    stored = lab.target.client("s3").get_object(Bucket=claim["bucket"], Key=claim["key"])["Body"].read()
    assert len(stored) == claim["size_bytes"]
