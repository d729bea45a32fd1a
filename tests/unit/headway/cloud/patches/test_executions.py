"""The patch of executions: they end from outside, once, and whoever waits in one is woken."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from ministack.services import stepfunctions as sfn

from headway.cloud.patches import executions, tasks

MACHINE_ARN = "arn:aws:states:us-east-1:000000000000:stateMachine:tried"
ARN = "arn:aws:states:us-east-1:000000000000:execution:tried:one"
PATCHED = (
    "_run_execution",
    "_stop_execution",
    "_scaled_sleep",
    "_add_event",
    "_execute_task",
    "_with_retry_and_catch",
    "_run_sub_machine",
    "_emit_execution_status_event",
)


@pytest.fixture(autouse=True)
def patched(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Patch the emulator's module in this process, for one test."""
    for name in PATCHED:
        monkeypatch.setattr(sfn, name, getattr(sfn, name))
    monkeypatch.setattr(executions, "START_DELAY_S", 0)
    executions.apply()
    tasks.apply()
    monkeypatch.setattr(sfn, "_emit_execution_status_event", lambda _: None)
    yield
    sfn._executions.pop(ARN, None)
    sfn._state_machines.pop(MACHINE_ARN, None)


def begin(states: dict[str, Any]) -> tuple[dict[str, Any], threading.Thread]:
    definition = json.dumps({"StartAt": next(iter(states)), "States": states})
    sfn._state_machines[MACHINE_ARN] = {"name": "tried", "definition": definition, "type": "STANDARD"}
    execution: dict[str, Any] = {
        "executionArn": ARN,
        "stateMachineArn": MACHINE_ARN,
        "name": "one",
        "status": "RUNNING",
        "startDate": sfn.now_iso(),
        "stopDate": None,
        "input": '{"n": 1}',
        "output": None,
        "events": [],
    }
    sfn._executions[ARN] = execution
    thread = threading.Thread(target=sfn._run_execution, args=(ARN,), daemon=True)
    thread.start()
    return execution, thread


def kinds(execution: dict[str, Any]) -> list[str]:
    return [event["type"] for event in execution["events"]]


def test_an_execution_goes_from_state_to_state_to_its_end() -> None:
    execution, thread = begin({"One": {"Type": "Pass", "Next": "Two"}, "Two": {"Type": "Succeed"}})
    thread.join(5)
    assert (execution["status"], execution["output"]) == ("SUCCEEDED", '{"n": 1}')
    assert kinds(execution) == [
        "PassStateEntered",
        "PassStateExited",
        "SucceedStateEntered",
        "SucceedStateExited",
        "ExecutionSucceeded",
    ]
    assert execution[executions.POSITION] == ("Two", {"n": 1}, {})


def test_a_run_goes_on_from_where_the_execution_stands() -> None:
    execution, thread = begin({"One": {"Type": "Fail", "Error": "E", "Cause": "C"}, "Two": {"Type": "Succeed"}})
    thread.join(5)
    assert (execution["status"], execution["error"], execution["cause"]) == ("FAILED", "E", "C")
    execution.update({"status": "RUNNING", executions.POSITION: ("Two", [2], {"kept": True})})
    sfn._run_execution(ARN)
    assert (execution["status"], execution["output"]) == ("SUCCEEDED", "[2]")


@pytest.mark.parametrize(
    "state",
    [
        {"Type": "Wait", "Seconds": 600, "End": True},
        {
            "Type": "Parallel",
            "Branches": [{"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 600, "End": True}}}] * 2,
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "One"}],
            "End": True,
        },
    ],
)
def test_stopping_wakes_who_waits_and_nothing_follows_in_the_history(state: dict[str, Any]) -> None:
    execution, thread = begin({"One": state})
    while not execution["events"]:
        pass
    sfn._stop_execution({"executionArn": ARN, "error": "E"})
    thread.join(5)
    assert not thread.is_alive()
    assert execution["status"] == "ABORTED"
    assert kinds(execution)[-1] == "ExecutionAborted"
    assert ARN not in executions._runs


def test_a_run_ends_once() -> None:
    run = executions.Run({"executionArn": ARN, "status": "RUNNING", "events": []})
    woken = threading.Event()
    run.waiting.add(woken)
    assert executions.end(run, "TIMED_OUT", "ExecutionTimedOut", None)
    assert not executions.end(run, "SUCCEEDED", "ExecutionSucceeded", None, output="late")
    assert run.execution["status"] == "TIMED_OUT"
    assert "output" not in run.execution
    assert woken.is_set()
