"""Waiting tasks by their tokens: told once, and told apart from those that nobody waits on any more."""

import pytest
from botocore.exceptions import ClientError
from headway_lane.messages.waiter import Waiter
from headway_lane.resume.task_token import DEAD_TASK_CODES, TaskTokens
from headway_lane.resume.waiters import Waiters
from headway_lane.runtime.causes import CAUSE_BYTES

from tests.unit.headway_lane.fakes import TOKEN, FakeStepFunctions, client_error

TASK = Waiter(TOKEN)


@pytest.fixture
def waiters(step_functions: FakeStepFunctions) -> Waiters:
    return TaskTokens(step_functions.client())


def test_a_task_is_resumed_once_with_its_output_as_json(waiters: Waiters, step_functions: FakeStepFunctions) -> None:
    assert waiters.succeed(TASK, {"job_id": "job-1"}) is True
    assert step_functions.sent == [("SendTaskSuccess", {"taskToken": TOKEN, "output": '{"job_id":"job-1"}'})]
    assert waiters.succeed(TASK, {"job_id": "job-1"}) is False


def test_a_heartbeat_reaches_a_waiting_task_only(waiters: Waiters, step_functions: FakeStepFunctions) -> None:
    assert waiters.beat(TASK) is True
    step_functions.end(TOKEN)
    assert waiters.beat(TASK) is False
    assert waiters.beat(Waiter("garbage")) is False
    assert step_functions.sent == [("SendTaskHeartbeat", {"taskToken": TOKEN})]


def test_an_unexpected_error_of_a_heartbeat_propagates(waiters: Waiters, step_functions: FakeStepFunctions) -> None:
    step_functions.errors.append(client_error("SendTaskHeartbeat", "AccessDeniedException"))
    with pytest.raises(ClientError, match="AccessDenied"):
        waiters.beat(TASK)


@pytest.mark.parametrize("code", sorted(DEAD_TASK_CODES))
def test_a_dead_token_is_nobody_and_no_error(waiters: Waiters, step_functions: FakeStepFunctions, code: str) -> None:
    step_functions.errors += [client_error("SendTaskSuccess", code) for _ in range(3)]
    assert [waiters.succeed(TASK, {}), waiters.fail(TASK, "Vendor.Rejected", ""), waiters.beat(TASK)] == [False] * 3


def test_a_cause_is_cut_to_what_step_functions_takes(waiters: Waiters, step_functions: FakeStepFunctions) -> None:
    assert waiters.fail(TASK, "Vendor.Rejected", "x" * (CAUSE_BYTES + 1)) is True
    (failure,) = step_functions.of("SendTaskFailure")
    assert len(failure["cause"]) == CAUSE_BYTES
    assert waiters.fail(TASK, "Vendor.Rejected", "again") is False
