"""Each way of a vendor, as one short test of the kit, on both interpreters: a machine that waits for a week."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headway.testing.kit.workflow_test import WorkflowTest

HOUR_S = 3_600
DAY_S = 24 * HOUR_S

ORDER = """
QueryLanguage: JSONata
StartAt: CallVendor
States:
  CallVendor:
    Type: Task
    Resource: arn:aws:states:::sqs:sendMessage.waitForTaskToken
    Arguments:
      QueueUrl: ${ReplicateRequestQueueUrl}
      MessageGroupId: pictures
      MessageBody:
        format_version: 2
        vendor: replicate
        call:
          machine: "{% $states.context.StateMachine.Id %}"
          execution: "{% $states.context.Execution.Id %}"
          state: "{% $states.context.State.Name %}"
        payload: "{% $states.input.payload %}"
        task_token: "{% $states.context.Task.Token %}"
    TimeoutSeconds: 604800
    HeartbeatSeconds: 21601
    Retry:
      - ErrorEquals: [Vendor.JobFailed]
        IntervalSeconds: 60
        MaxAttempts: 1
        MaxDelaySeconds: 60
        JitterStrategy: FULL
    Catch:
      - ErrorEquals: [States.Timeout, States.HeartbeatTimeout]
        Output: "{% $states.errorOutput.Error %}"
        Next: GiveUp
    Next: FetchResult
  FetchResult:
    Type: Task
    Resource: arn:aws:states:::sqs:sendMessage.waitForTaskToken
    Arguments:
      QueueUrl: ${ReplicateResultsQueueUrl}
      MessageBody:
        format_version: 2
        kind: fetch
        call_id: "{% $states.input.call_id %}"
        job_id: "{% $states.input.job_id %}"
        status: "{% $states.input.status %}"
        task_token: "{% $states.context.Task.Token %}"
    TimeoutSeconds: "${ReplicateFetchTimeoutSeconds}"
    HeartbeatSeconds: "${ReplicateFetchHeartbeatSeconds}"
    Output: "{% $states.result.result %}"
    End: true
  GiveUp:
    Type: Succeed
"""


@pytest.fixture
def order(project: Path, workflow_test: Callable[..., WorkflowTest]) -> WorkflowTest:
    (project / "workflows" / "week.asl.yaml").write_text(ORDER)
    return workflow_test("week", folder=project)


ASKED = {"payload": {"prompt": "a lighthouse"}}


def told(order: WorkflowTest) -> list[tuple[float, str, bool]]:
    return [(callback.at_s, callback.word, callback.taken) for callback in order.vendor("replicate").callbacks]


def test_a_week_with_a_heartbeat_every_six_hours(order: WorkflowTest) -> None:
    order.vendor("replicate").answers("a picture", after_s=7 * DAY_S - 1, progress_every_s=6 * HOUR_S)
    run = order.run(ASKED)
    assert (run.status, run.output, run.took_s) == ("SUCCEEDED", "a picture", 7 * DAY_S - 1)
    assert [word for _, word, _ in told(order)] == ["heartbeat"] * 27 + ["success"] * 2


def test_a_vendor_that_goes_on_without_an_end_meets_the_timeout(order: WorkflowTest) -> None:
    order.vendor("replicate").never_answers(progress_every_s=6 * HOUR_S)
    run = order.run(ASKED)
    assert (run.states, run.output, run.took_s) == (["CallVendor", "GiveUp"], "States.Timeout", 7 * DAY_S)


def test_a_vendor_that_is_early_is_heard(order: WorkflowTest) -> None:
    order.vendor("replicate").answers_early("a picture")
    run = order.run(ASKED)
    assert (run.states, run.output, run.took_s) == (["CallVendor", "FetchResult"], "a picture", 0)


def test_a_vendor_that_is_late_changes_nothing(order: WorkflowTest) -> None:
    order.vendor("replicate").answers("a picture", after_s=8 * DAY_S)
    run = order.run(ASKED)
    assert (run.states, run.took_s) == (["CallVendor", "GiveUp"], 6 * HOUR_S + 1)
    assert told(order) == [(8 * DAY_S, "success", False)]


def test_a_vendor_that_answers_twice_is_heard_once(order: WorkflowTest) -> None:
    order.vendor("replicate").answers_twice("a picture", after_s=60, again_after_s=60)
    run = order.run(ASKED)
    assert (run.output, run.took_s) == ("a picture", 60)
    assert told(order) == [(60, "success", True), (60, "success", True), (120, "success", False)]


def test_a_vendor_that_never_answers_meets_the_heartbeat(order: WorkflowTest) -> None:
    order.vendor("replicate").never_answers()
    run = order.run(ASKED)
    assert (run.states, run.took_s) == (["CallVendor", "GiveUp"], 6 * HOUR_S + 1)


def test_a_job_that_fails_is_asked_for_once_more_after_a_minute(order: WorkflowTest) -> None:
    order.vendor("replicate").fails("out of paint", after_s=5).answers("a picture", after_s=5)
    run = order.run(ASKED)
    assert (run.status, run.output) == ("SUCCEEDED", "a picture")
    assert [call.at_s for call in order.vendor("replicate").calls] == [0, 65]


def test_a_job_that_fails_again_fails_the_execution_with_its_error_and_cause(order: WorkflowTest) -> None:
    order.vendor("replicate").fails("out of paint")
    run = order.run(ASKED)
    assert (run.status, run.error, run.cause) == ("FAILED", "Vendor.JobFailed", "out of paint")


def test_a_call_that_is_throttled_is_sent_again_and_keeps_its_task_alive(order: WorkflowTest) -> None:
    order.vendor("replicate").throttles(3, retry_after_s=5 * HOUR_S).answers("a picture")
    run = order.run(ASKED)
    assert (run.output, run.took_s) == ("a picture", 15 * HOUR_S)
    calls = [(call.at_s / HOUR_S, call.answer) for call in order.vendor("replicate").calls]
    assert calls == [(0, "throttled"), (5, "throttled"), (10, "throttled"), (15, "accepted")]


def test_a_call_whose_task_has_ended_is_not_sent_again(order: WorkflowTest) -> None:
    order.vendor("replicate").throttles(1, retry_after_s=7 * HOUR_S).answers("a picture")
    assert order.run(ASKED).states == ["CallVendor", "GiveUp"]
    assert [call.answer for call in order.vendor("replicate").calls] == ["throttled"]


def test_a_call_that_is_rejected_fails_at_once(order: WorkflowTest) -> None:
    order.vendor("replicate").rejects("replicate: HTTP 422")
    run = order.run(ASKED)
    assert (run.error, run.cause, run.took_s) == ("Vendor.Rejected", "replicate: HTTP 422", 0)


def test_a_result_that_cannot_be_had_fails_the_fetch(order: WorkflowTest) -> None:
    order.vendor("replicate").answers_without_result("replicate: HTTP 404")
    run = order.run(ASKED)
    assert (run.states, run.error) == (["CallVendor", "FetchResult"], "Result.Unavailable")


def test_the_calls_of_a_run_have_their_states_and_times(order: WorkflowTest) -> None:
    order.vendor("replicate").answers("a picture", after_s=60)
    calls: list[Any] = [(call.at_s, call.state, call.action) for call in order.run(ASKED).calls]
    assert calls == [(0, "CallVendor", "sqs:sendMessage"), (60, "FetchResult", "sqs:sendMessage")]
    [asked] = order.vendor("replicate").calls
    assert (asked.payload, asked.tenant, asked.urgent) == (ASKED["payload"], "pictures", False)
