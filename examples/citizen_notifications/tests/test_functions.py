"""What the intake's functions make of a message and of a notification."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from functions.begin.handler import begin
from functions.validate.handler import handle

NOTIFICATION = {"notification_id": "n-1", "to": "ada@citizens.example", "subject": "Permit", "text": "Monday."}


class States:
    """Step Functions, as far as executions have names."""

    def __init__(self, trouble: str = "") -> None:
        self.trouble = trouble
        self.started: dict[str, Any] = {}

    def start_execution(self, **request: Any) -> None:
        code = self.trouble or ("ExecutionAlreadyExists" if request["name"] in self.started else "")
        if code:
            raise ClientError({"Error": {"Code": code}}, "StartExecution")
        self.started[request["name"]] = json.loads(request["input"])


def test_a_message_that_is_delivered_twice_begins_one_execution() -> None:
    states = States()
    assert begin(states, "arn", json.dumps(NOTIFICATION))
    assert begin(states, "arn", json.dumps(NOTIFICATION))
    assert states.started == {"n-1": {"payload": NOTIFICATION}}


def test_a_message_that_cannot_be_begun_now_stays_in_the_queue() -> None:
    assert not begin(States("ThrottlingException"), "arn", json.dumps(NOTIFICATION))


@pytest.mark.parametrize("to", ["ada@citizens.example", "Ada <ada@citizens.example>"])
def test_a_notification_with_a_mail_address_is_valid(to: str) -> None:
    assert handle({**NOTIFICATION, "to": to}, None) == {"valid": True, "reason": ""}


@pytest.mark.parametrize(
    ("changes", "field"), [({"to": "nobody"}, "to"), ({"to": "ada@home"}, "to"), ({"subject": "x" * 201}, "subject")]
)
def test_what_cannot_be_mailed_is_refused_with_the_field(changes: dict[str, str], field: str) -> None:
    answer = handle({**NOTIFICATION, **changes}, None)
    assert (answer["valid"], answer["reason"].partition(":")[0]) == (False, field)
