"""What an execution that has ended takes: packed events that read as before, and a bound on how many are known."""

import json
import sys
from typing import Any

import pytest
from ministack.services import stepfunctions as sfn

from headway.cloud.patches import packed_histories
from headway.cloud.patches.executions import POSITION
from headway.cloud.patches.packed_histories import EndedExecutions, FirstHistories, PackedHistory, pack, unpack

ARN = "arn:aws:states:us-east-1:000000000000:execution:machine:one"
MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:machine"
EVENTS = [
    {"id": number, "type": "TaskScheduled", "taskScheduledEventDetails": {"resource": "sendMessage", "input": "{}"}}
    for number in range(1, 15)
]


def execution(arn: str = ARN, status: str = "SUCCEEDED") -> dict[str, Any]:
    return {
        "executionArn": arn,
        "stateMachineArn": MACHINE,
        "name": arn.rpartition(":")[2],
        "status": status,
        "startDate": "2026-11-30T12:00:00Z",
        "stopDate": None if status == "RUNNING" else "2026-11-30T12:00:01Z",
        "input": "{}",
        "output": "{}",
        "inputDetails": {"included": True},
        POSITION: ("State", {}, {}),
        "events": [*EVENTS],
    }


def test_a_packed_history_reads_as_the_list_that_it_was_and_is_a_small_part_of_it() -> None:
    packed = PackedHistory(EVENTS)
    assert list(packed) == EVENTS
    assert len(packed) == len(EVENTS)
    assert sys.getsizeof(packed._packed) < len(json.dumps(EVENTS)) / 5


def test_a_history_that_resembles_the_first_of_its_machine_takes_what_differs_and_reads_as_it_was() -> None:
    firsts = FirstHistories()
    ones = [execution(f"{ARN}-{number}") for number in range(3)]
    for number, one in enumerate(ones):
        one["events"] = [{**event, "timestamp": f"2026-11-30T12:00:0{number}Z"} for event in EVENTS]
        expected = [*one["events"]]
        pack(one, firsts)
        assert list(one["events"]) == expected
    first, second, _third = (sys.getsizeof(one["events"]._packed) for one in ones)
    assert second < first

    other = {**execution(), "stateMachineArn": f"{MACHINE}-other"}
    pack(other, firsts)
    assert list(other["events"]) == EVENTS


def test_a_redriven_history_goes_on() -> None:
    one = execution(status="FAILED")
    pack(one, FirstHistories())
    one["events"].append({"id": 15, "type": "ExecutionRedriven"})
    assert [event["id"] for event in one["events"]] == list(range(1, 16))
    unpack(one)
    assert one["events"] == [*EVENTS, {"id": 15, "type": "ExecutionRedriven"}]


def test_what_a_redrive_needs_is_dropped_only_where_there_can_be_none() -> None:
    succeeded, failed = execution(), execution(status="FAILED")
    pack(succeeded, FirstHistories())
    pack(failed, FirstHistories())
    assert POSITION not in succeeded
    assert failed[POSITION] == ("State", {}, {})
    assert succeeded["inputDetails"] is failed["inputDetails"]


def test_the_oldest_of_too_many_is_named_once() -> None:
    ended = EndedExecutions(2)
    assert [ended.add(arn) for arn in ("a", "b", "c")] == [[], [], ["a"]]
    ended.remove("b")
    assert ended.add("d") == []
    assert ended.add("e") == ["c"]


@pytest.fixture
def machine_type(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Patch the emulator's module in this process, for one test, and return the machine."""
    machine = {"type": "EXPRESS"}
    monkeypatch.setattr(sfn, "_emit_execution_status_event", lambda _: None)
    monkeypatch.setattr(sfn, "_executions", {})
    monkeypatch.setattr(sfn, "_state_machines", {MACHINE: machine})
    monkeypatch.setattr(packed_histories, "EXPRESS_KEPT_COUNT", 3)
    monkeypatch.setattr(packed_histories, "STANDARD_KEPT_COUNT", 5)
    packed_histories.apply()
    return machine


@pytest.mark.parametrize(("kind", "kept_count"), [("EXPRESS", 3), ("STANDARD", 5)])
def test_so_many_ended_executions_are_known(machine_type: dict[str, str], kind: str, kept_count: int) -> None:
    machine_type["type"] = kind
    running = execution(f"{ARN}-running", "RUNNING")
    sfn._executions[running["executionArn"]] = running
    sfn._emit_execution_status_event(running)
    for number in range(8):
        one = execution(f"{ARN}-{number}")
        sfn._executions[one["executionArn"]] = one
        sfn._emit_execution_status_event(one)

    assert len(sfn._executions) == 1 + kept_count
    assert isinstance(running["events"], list)
    assert f"{ARN}-7" in sfn._executions
    assert isinstance(sfn._executions[f"{ARN}-7"]["events"], PackedHistory)


def test_one_that_runs_again_is_not_forgotten_meanwhile(machine_type: dict[str, str]) -> None:
    machine_type["type"] = "STANDARD"
    one = execution(status="FAILED")
    sfn._executions[ARN] = one
    sfn._emit_execution_status_event(one)
    one.update(status="RUNNING", stopDate=None)
    sfn._emit_execution_status_event(one)
    assert one["events"] == EVENTS
    for number in range(8):
        sfn._emit_execution_status_event(execution(f"{ARN}-{number}"))
    assert ARN in sfn._executions
