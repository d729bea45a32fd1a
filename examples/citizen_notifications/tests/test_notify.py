"""The ways of a notification, from the intake to the audit table: on a virtual clock, on two interpreters."""

from pathlib import Path

import pytest
from functions.validate.handler import handle
from headway_cdk.project import find
from headway_cdk.workflow_sketch import sketch

from headway.testing.kit.run import WorkflowRun
from headway.testing.kit.workflow_test import WorkflowTest, WorkflowTests

NOTIFICATION = {"notification_id": "n-1", "to": "ada@citizens.example", "subject": "Permit", "text": "Monday."}
GIVEN = {"payload": NOTIFICATION}


@pytest.fixture
def notify(workflow_test: WorkflowTests) -> WorkflowTest:
    made: WorkflowTest = workflow_test("notify")
    made.service("dynamodb:putItem").returns({})
    made.function("validate").runs(handle)
    return made


def audit(run: WorkflowRun) -> list[tuple[str, str]]:
    """Return whose events went into the audit table, and which."""
    items = [call.arguments["Item"] for call in run.calls if call.arguments.get("TableName") == "audit"]
    return [(item["notification_id"]["S"], item["event"]["S"]) for item in items]


def test_a_notification_is_mailed_and_registered_and_noted_before_and_after(notify: WorkflowTest) -> None:
    mail = notify.vendor("mail").answers({}, after_s=30, status="delivered")
    run = notify.run(GIVEN)
    assert run.output == {"notification_id": "n-1", "event": "confirmed", "mail_id": "job-1"}
    assert audit(run) == [("n-1", "received"), ("n-1", "confirmed")]
    [mailed] = mail.calls
    assert mailed.payload == {key: value for key, value in NOTIFICATION.items() if key != "notification_id"}
    assert "RegisterCase" in run.states


def test_what_is_not_valid_is_noted_and_never_mailed(notify: WorkflowTest) -> None:
    run = notify.run({"payload": {**NOTIFICATION, "to": "nobody"}})
    assert (run.status, run.output["event"], run.output["reason"]) == ("SUCCEEDED", "refused", "to: no mail address")
    assert audit(run) == [("n-1", "received"), ("n-1", "refused")]
    assert notify.vendor("mail").calls == []


def test_a_mail_that_bounces_is_noted_and_fails_the_notification(notify: WorkflowTest) -> None:
    notify.vendor("mail").fails("no such mailbox", after_s=5)
    run = notify.run(GIVEN)
    assert (run.status, run.error) == ("FAILED", "Notification.NotConfirmed")
    assert audit(run) == [("n-1", "received"), ("n-1", "failed")]


def test_a_surge_only_waits_at_the_mail_api(notify: WorkflowTest) -> None:
    notify.vendor("mail").throttles(3, retry_after_s=60).answers({}, status="delivered")
    run = notify.run(GIVEN)
    assert (run.status, run.took_s) == ("SUCCEEDED", 180)


def test_a_table_that_is_throttled_is_written_again(notify: WorkflowTest) -> None:
    notify.vendor("mail").answers({}, status="delivered")
    notify.state("NoteConfirmed").fails("DynamoDB.ThrottlingException", "slow down").returns({})
    run = notify.run(GIVEN)
    assert (run.status, audit(run)[1:]) == ("SUCCEEDED", [("n-1", "confirmed")] * 2)


def test_the_machine_may_add_to_its_tables_validate_and_mail_and_nothing_else() -> None:
    machine = sketch(find(Path(__file__).parent), "notify")
    assert machine.waits_for == {"mail"}
    assert machine.grants == {
        "dynamodb:PutItem": ["tables/audit", "tables/cases"],
        "lambda:InvokeFunction": ["functions/validate"],
        "sqs:SendMessage": ["mail/request-queue"],
    }
