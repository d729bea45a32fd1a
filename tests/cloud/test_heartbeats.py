"""HeartbeatSeconds: a task without a sign of life fails, and a sign of life restarts the clock."""

import time
from typing import Any

import pytest

from tests.cloud.conftest import Clouds
from tests.cloud.machines import DONE, Machines


@pytest.fixture(scope="module")
def strict(clouds: Clouds) -> Machines:
    return Machines(clouds.strict)


def caught(machines: Machines, names: list[str], **fields: Any) -> dict[str, Any]:
    task = machines.waiting(Catch=[{"ErrorEquals": names, "Next": "Caught"}], **fields)
    return {"Wait": task, "Caught": {"Type": "Pass", "End": True}}


def test_a_task_without_a_sign_of_life_times_out_and_its_history_says_so(strict: Machines) -> None:
    arn = strict.start({"Wait": strict.waiting(HeartbeatSeconds=1)})
    token = strict.token()
    end = strict.end(arn)
    assert (end["status"], end["error"]) == ("FAILED", "States.Timeout")
    [timed_out] = [event for event in strict.history(arn) if event["type"] == "TaskTimedOut"]
    assert timed_out["taskTimedOutEventDetails"]["error"] == "States.Timeout"
    with pytest.raises(strict.client.exceptions.TaskTimedOut):
        strict.succeed(token)


def test_a_sign_of_life_restarts_the_clock(strict: Machines) -> None:
    arn = strict.start({"Wait": strict.waiting(HeartbeatSeconds=1)})
    token = strict.token()
    for _ in range(2):
        time.sleep(0.7)
        strict.client.send_task_heartbeat(taskToken=token)
    strict.succeed(token, "alive")
    assert strict.end(arn)["output"] == '"alive"'


@pytest.mark.parametrize("name", ["States.HeartbeatTimeout", "States.Timeout", "States.ALL"])
def test_it_is_caught_by_either_name(strict: Machines, name: str) -> None:
    arn = strict.start(caught(strict, [name], HeartbeatSeconds=1))
    strict.message()
    assert strict.end(arn)["status"] == "SUCCEEDED"


def test_the_wildcard_of_failures_does_not_catch_it(strict: Machines) -> None:
    arn = strict.start(caught(strict, ["States.TaskFailed"], HeartbeatSeconds=1))
    strict.message()
    assert strict.end(arn)["error"] == "States.Timeout"


def test_a_timeout_is_no_missed_heartbeat(strict: Machines) -> None:
    arn = strict.start(caught(strict, ["States.HeartbeatTimeout"], TimeoutSeconds=1))
    strict.message()
    assert strict.end(arn)["error"] == "States.Timeout"


def test_its_seconds_may_come_from_the_input_or_an_expression(strict: Machines) -> None:
    by_path = strict.start({"Wait": strict.waiting(HeartbeatSecondsPath="$.beat")}, {"beat": 1})
    by_expression = strict.start(
        {
            "Wait": {
                "Type": "Task",
                "QueryLanguage": "JSONata",
                "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
                "Arguments": {
                    "QueueUrl": strict.queue_url,
                    "MessageBody": {"token": "{% $states.context.Task.Token %}"},
                },
                "HeartbeatSeconds": "{% $states.input.beat %}",
                "TimeoutSeconds": 30,
                "End": True,
            }
        },
        {"beat": 1},
    )
    strict.message(), strict.message()
    assert [strict.end(arn)["error"] for arn in (by_path, by_expression)] == ["States.Timeout"] * 2


def test_the_lenient_cloud_minds_no_heartbeat(clouds: Clouds) -> None:
    lenient = Machines(clouds.lenient)
    arn = lenient.start({"Wait": lenient.waiting(HeartbeatSeconds=1, Next="Done"), "Done": DONE})
    token = lenient.token()
    time.sleep(1.3)
    lenient.succeed(token)
    assert lenient.end(arn)["status"] == "SUCCEEDED"
