"""RedriveExecution: what was unsuccessful goes on where it stopped."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.cloud.conftest import Clouds
from tests.cloud.machines import DONE, FAIL, Machines


@pytest.fixture(scope="module")
def strict(clouds: Clouds) -> Machines:
    return Machines(clouds.strict)


def test_a_failed_task_runs_again_with_the_same_input_and_a_new_token(strict: Machines) -> None:
    prepare: dict[str, Any] = {"Type": "Pass", "Result": {"prepared": True}, "Next": "Wait"}
    retry = [{"ErrorEquals": ["Again"], "MaxAttempts": 1, "MaxDelaySeconds": 1}]
    arn = strict.start({"Prepare": prepare, "Wait": strict.waiting(Retry=retry)})
    assert strict.describe(arn)["redriveStatusReason"] == "Execution is RUNNING and cannot be redriven"
    first = strict.message()
    strict.client.send_task_failure(taskToken=first["token"], error="Broken")
    end = strict.end(arn)
    assert (end["redriveCount"], end["redriveStatus"]) == (0, "REDRIVABLE")

    answer = strict.client.redrive_execution(executionArn=arn)
    second = strict.message()
    assert second["input"] == first["input"] == {"prepared": True}
    assert second["token"] != first["token"]
    running = strict.describe(arn)
    assert (running["status"], running["redriveCount"], running["redriveDate"]) == (
        "RUNNING",
        1,
        answer["redriveDate"],
    )
    assert not {"error", "cause", "stopDate"} & running.keys()
    strict.succeed(second["token"], "good")
    end = strict.end(arn)
    assert (end["status"], end["output"], end["redriveStatus"]) == ("SUCCEEDED", '"good"', "NOT_REDRIVABLE")
    events = strict.events(arn)
    assert events.count("PassStateEntered") == 1, "what was successful does not run again"
    at = events.index("ExecutionRedriven")
    assert events[at - 1 : at + 2] == ["ExecutionFailed", "ExecutionRedriven", "TaskStateEntered"]
    assert strict.history(arn)[at]["executionRedrivenEventDetails"] == {"redriveCount": 1}
    assert [event["id"] for event in strict.history(arn)] == list(range(1, len(events) + 1))
    with pytest.raises(strict.client.exceptions.ExecutionNotRedrivable):
        strict.client.redrive_execution(executionArn=arn)


def test_an_aborted_and_a_timed_out_one_go_on_too_and_know_how_often(strict: Machines) -> None:
    count = {"QueueUrl": strict.queue_url, "MessageBody": {"token.$": "$$.Task.Token"}}
    count["MessageBody"]["count.$"] = "$$.Execution.RedriveCount"
    arn = strict.start({"Wait": strict.waiting(Parameters=count)}, TimeoutSeconds=1)
    assert strict.message()["count"] == 0
    strict.client.stop_execution(executionArn=arn)
    strict.client.redrive_execution(executionArn=arn)
    assert strict.message()["count"] == 1
    assert strict.end(arn)["status"] == "TIMED_OUT", "the machine's time begins anew, and ends"
    strict.client.redrive_execution(executionArn=arn)
    again = strict.message()
    assert again["count"] == 2
    strict.succeed(again["token"])
    assert strict.end(arn)["status"] == "SUCCEEDED"


def test_a_fail_state_fails_again(strict: Machines) -> None:
    arn = strict.start({"Fail": FAIL})
    strict.end(arn)
    strict.client.redrive_execution(executionArn=arn)
    assert strict.end(arn)["error"] == "Reached"
    assert strict.events(arn).count("FailStateEntered") == 2


def test_a_client_token_redrives_once(strict: Machines) -> None:
    arn = strict.start({"Fail": FAIL})
    strict.end(arn)
    first = strict.client.redrive_execution(executionArn=arn, clientToken="same")
    strict.end(arn)
    again = strict.client.redrive_execution(executionArn=arn, clientToken="same")
    assert again["redriveDate"] == first["redriveDate"]
    assert strict.describe(arn)["redriveCount"] == 1


def test_what_is_not_there_or_not_standard_is_refused(strict: Machines) -> None:
    with pytest.raises(strict.client.exceptions.ExecutionDoesNotExist):
        strict.client.redrive_execution(executionArn="arn:aws:states:us-east-1:000000000000:execution:none:none")
    done = strict.start({"Done": DONE})
    strict.end(done)
    with pytest.raises(strict.client.exceptions.ExecutionNotRedrivable):
        strict.client.redrive_execution(executionArn=done)


def test_the_lenient_cloud_does_not_know_it(clouds: Clouds) -> None:
    lenient = Machines(clouds.lenient)
    arn = lenient.start({"Fail": FAIL})
    lenient.end(arn)
    with pytest.raises(ClientError, match="RedriveExecution"):
        lenient.client.redrive_execution(executionArn=arn)
