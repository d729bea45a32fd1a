"""262,144 bytes of UTF-8: of inputs, of outputs, and between states."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.cloud.conftest import Clouds
from tests.cloud.machines import DONE, Machines

LONGEST_BYTES = 262_144
FITS = json.dumps("x" * (LONGEST_BYTES - 2))
TOO_LONG = json.dumps("x" * (LONGEST_BYTES - 1))
CHINESE = json.dumps("\u6c34" * 80_000, ensure_ascii=False)
"""240,002 bytes; 480,002 with escapes."""
TOO_LONG_CHINESE = json.dumps("\u6c34" * 87_381, ensure_ascii=False)
"""262,145 bytes, 87,383 characters."""


@pytest.fixture(scope="module")
def strict(clouds: Clouds) -> Machines:
    return Machines(clouds.strict)


def code_of(caught: pytest.ExceptionInfo[ClientError]) -> Any:
    return caught.value.response["Error"]["Code"]


@pytest.mark.parametrize("kind", ["STANDARD", "EXPRESS"])
def test_an_input_counts_in_bytes(strict: Machines, kind: str) -> None:
    machine = strict.create({"Done": DONE}, kind=kind)
    for text in (TOO_LONG, TOO_LONG_CHINESE):
        with pytest.raises(ClientError) as caught:
            strict.client.start_execution(stateMachineArn=machine, input=text)
        assert code_of(caught) == "ValidationException"
    for text in (FITS, CHINESE):
        arn = strict.client.start_execution(stateMachineArn=machine, input=text)["executionArn"]
        assert strict.end(arn)["status"] == "SUCCEEDED"


def test_an_output_of_a_callback_that_is_too_long_is_refused_and_the_task_stays_open(strict: Machines) -> None:
    arn = strict.start({"Wait": strict.waiting()})
    token = strict.token()
    with pytest.raises(ClientError) as caught:
        strict.client.send_task_success(taskToken=token, output=TOO_LONG_CHINESE)
    assert code_of(caught) == "ValidationException"
    strict.client.send_task_success(taskToken=token, output=FITS)
    assert strict.end(arn)["status"] == "SUCCEEDED"


@pytest.mark.parametrize(("field", "longest"), [("error", 256), ("cause", 32_768)])
def test_an_error_and_its_cause_count_in_characters(strict: Machines, field: str, longest: int) -> None:
    arn = strict.start({"Wait": strict.waiting()})
    token = strict.token()
    with pytest.raises(ClientError) as caught:
        strict.client.send_task_failure(taskToken=token, **{field: "\u6c34" * (longest + 1)})
    assert code_of(caught) == "ValidationException"
    strict.client.send_task_failure(taskToken=token, **{field: "\u6c34" * longest})
    assert strict.end(arn)["status"] == "FAILED"


def doubled(**fields: Any) -> dict[str, Any]:
    """A Pass state that passes its input on twice."""
    return {"Type": "Pass", "Parameters": {"one.$": "$", "two.$": "$"}, **fields}


def test_what_a_state_passes_on_fails_the_execution_if_it_is_too_long(strict: Machines) -> None:
    arn = strict.start({"Double": doubled(Next="Done"), "Done": DONE}, "x" * 140_000)
    end = strict.end(arn)
    assert (end["status"], end["error"]) == ("FAILED", "States.DataLimitExceeded")
    short = strict.start({"Double": doubled(Next="Done"), "Done": DONE}, "\u6c34" * 40_000)
    assert strict.end(short)["status"] == "SUCCEEDED", "240,000 bytes, though twice as many with escapes"


@pytest.mark.parametrize(("name", "status"), [("States.ALL", "FAILED"), ("States.DataLimitExceeded", "SUCCEEDED")])
def test_what_a_task_is_given_may_be_too_long_and_only_its_name_catches_that(
    strict: Machines, name: str, status: str
) -> None:
    body = {"one.$": "$", "two.$": "$", "token.$": "$$.Task.Token"}
    task = strict.waiting(
        Parameters={"QueueUrl": strict.queue_url, "MessageBody": body},
        Catch=[{"ErrorEquals": [name], "ResultPath": "$", "Next": "Done"}],
        Next="Done",
    )
    assert strict.end(strict.start({"Send": task, "Done": DONE}, "x" * 140_000))["status"] == status


def test_the_lenient_cloud_takes_any_size(clouds: Clouds) -> None:
    lenient = Machines(clouds.lenient)
    arn = lenient.start({"Double": doubled(Next="Done"), "Done": DONE}, "x" * 300_000)
    assert lenient.end(arn)["status"] == "SUCCEEDED"
