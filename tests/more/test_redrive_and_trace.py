"""For the people on call, on the embedded cloud: fifty calls that were put aside go on, through a kill; and the life of
a call of each kind, hop by hop.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from headway.cli import app
from headway.cloud import process
from headway.testing.laboratory import Laboratory, laboratory
from headway.testing.waiting import until

POISONED_COUNT = 50
KILLED_AT_COUNT = 20
KILLED = """
import os, sys, time
from pathlib import Path
from headway.deployment.connection import connect
from headway.operations import held_messages
from headway.operations.dead_letters import Wanted
from headway.operations.redrives import redrive

held_messages.HOLD_S = 5
deleted, count = held_messages.HeldMessages.delete, 0

def killed(held, message):
    global count
    count += 1
    os._exit(9) if count == int(sys.argv[2]) else deleted(held, message)

held_messages.HeldMessages.delete = killed
for _ in redrive(connect(state_dir=Path(sys.argv[1])), Wanted(), time.time(), lambda _: None):
    pass
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    folder = tmp_path_factory.mktemp("on-call")
    process.start(folder, extra_environment={"HEADWAY_METRIC_MINUTE_S": "1"})  # nobody here waits a minute for an alarm
    with laboratory(folder) as built:
        yield built


def told(lab: Laboratory, *words: str) -> Any:
    """Run a command for operators and return what it says."""
    result = CliRunner().invoke(app, [*words, "--json", "--state-dir", str(lab.state_dir)])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def payload(number: int) -> dict[str, Any]:
    return {"version": "v1", "input": {"prompt": f"poisoned {number}"}}


def put_aside(lab: Laboratory, count: int) -> list[str]:
    """Start calls and let SQS's third failed receive happen to their requests: they are in the DLQ, as they were."""
    sqs, queue, dlq = lab.target.client("sqs"), lab.lane.request_queue_url, lab.lane.request_dlq_url
    with lab.held(lab.lane.dispatcher_function):
        arns = lab.start_all({f"poisoned-{number}": {"payload": payload(number)} for number in range(count)})
        until(lambda: lab.depth(queue) == count)
        moved_count = 0
        while moved_count < count:
            for message in sqs.receive_message(
                QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1, MessageSystemAttributeNames=["All"]
            ).get("Messages", []):
                group = message["Attributes"]["MessageGroupId"]
                sqs.send_message(QueueUrl=dlq, MessageBody=message["Body"], MessageGroupId=group)
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
                moved_count += 1
    return [*arns]


def test_fifty_dead_letters_go_on_once_each_through_a_kill_and_within_the_rate(lab: Laboratory) -> None:
    arns = put_aside(lab, POISONED_COUNT)
    dlq = lab.lane.request_dlq_url
    until(lambda: lab.depth(dlq) == POISONED_COUNT)
    assert len(told(lab, "dlq", "list", "--limit", "0")) == POISONED_COUNT
    assert told(lab, "dlq", "list", "--error", "Vendor.Rejected") == []

    words = [sys.executable, "-c", KILLED, str(lab.state_dir), str(KILLED_AT_COUNT)]
    assert subprocess.run(words, check=False).returncode == 9  # noqa: S603 - our own words
    until(lambda: lab.depth(dlq) == POISONED_COUNT - KILLED_AT_COUNT + 1)

    places = ("--yes", "--config-dir", str(lab.project.configuration))
    again = told(lab, "dlq", "redrive", *places)
    assert sum(again.values()) == POISONED_COUNT - KILLED_AT_COUNT + 1
    assert again["left"] == 0
    assert lab.ends_of(arns) == {"SUCCEEDED": POISONED_COUNT}
    report = lab.vendor.report()
    assert report.payload_submitted_twice_count == 0
    assert report.as_json()["jobs_by_status"] == {"succeeded": POISONED_COUNT}, "one job each"
    assert report.scopes["submit"].violation_count == 0
    assert lab.depth(dlq) == 0


def hops(lab: Laboratory, identity: str) -> list[str]:
    """Return the hops of the one call that an ID means; each has a time, and they are in order."""
    [trace] = told(lab, "calls", "trace", identity)
    times = [hop["at_epoch_ms"] for hop in trace["hops"]]
    assert times == sorted(times)
    assert min(times) > 0
    return [f"{hop['source']}: {hop['hop']}" for hop in trace["hops"]]


TAKEN = {"execution: asked for", "ledger: taken from its queue", "log: call dispatched"}
SENT = TAKEN | {"ledger: begun by a caller", "ledger: sent to the vendor", "log: call made"}
ACCEPTED = SENT | {"ledger: accepted by the vendor"}
DONE = ACCEPTED | {"ledger: answer came", "ledger: answer matched", "ledger: task resumed", "log: callback received"}


def test_a_finished_call_is_told_by_each_of_its_names(lab: Laboratory) -> None:
    arn = lab.start("finished", payload(1))
    assert lab.end_of(arn)["status"] == "SUCCEEDED"
    call_id, job_id = lab.call_id("finished"), str(lab.record("finished")["job_id"])
    for identity in (call_id, f"00-{call_id}-{'1' * 16}-01", job_id, arn, "finished"):
        assert set(hops(lab, identity)) >= DONE | {"execution: execution succeeded"}


def test_a_call_that_waits_in_its_queue_or_for_the_vendor_is_told_as_far_as_it_has_come(lab: Laboratory) -> None:
    with lab.held(lab.lane.dispatcher_function):
        arn = lab.start("in-the-queue", payload(2))
        until(lambda: lab.depth(lab.lane.request_queue_url) == 1)
        assert "execution: asked for" in hops(lab, arn)
        [trace] = told(lab, "calls", "trace", arn)
        assert (trace["call_id"], "request queue" in trace["standing"]) == (None, True)
    lab.end_of(arn)
    with lab.vendor.faulty(slow_job_s=600.0):
        lab.start("at-the-vendor", payload(3))
        until(lambda: lab.record("at-the-vendor").get("state") == "accepted")
    found = hops(lab, "at-the-vendor")
    assert set(found) >= ACCEPTED
    assert not set(found) & {"ledger: answer came", "ledger: task resumed"}


def test_a_failed_call_that_is_redriven_is_told_with_both_tries(lab: Laboratory) -> None:
    arn = lab.start("failed", {"input": {"prompt": "no version"}})
    assert lab.end_of(arn)["status"] == "FAILED"
    failed = hops(lab, arn)
    assert set(failed) >= SENT | {"ledger: rejected", "log: call rejected", "execution: task has failed"}
    places = ("--yes", "--config-dir", str(lab.project.configuration))
    assert told(lab, "dlq", "redrive", "--id", lab.call_id("failed"), *places)["restarted"] == 1
    assert lab.end_of(arn)["status"] == "FAILED", "it is as wrong as before"
    twice = hops(lab, arn)
    assert "execution: execution redriven" in twice
    assert [twice.count(hop) for hop in ("execution: asked for", "log: call dispatched", "log: call rejected")] == [
        2
    ] * 3


def test_a_call_that_the_vendor_put_off_is_told_with_both_tries(lab: Laboratory) -> None:
    with lab.vendor.faulty(refuse_next=1, retry_after_s=7):
        arn = lab.start("put-off", payload(4))
        assert lab.end_of(arn)["status"] == "SUCCEEDED"
    found = hops(lab, arn)
    assert set(found) >= DONE
    assert [found.count(hop) for hop in ("log: call dispatched", "log: call made")] == [2, 2]


def test_a_dropped_call_is_told_with_the_reason(lab: Laboratory) -> None:
    with lab.held(lab.lane.dispatcher_function):
        arn = lab.start("dropped", payload(5))
        until(lambda: lab.depth(lab.lane.request_queue_url) == 1)
        lab.target.client("stepfunctions").stop_execution(executionArn=arn)
    until(lambda: lab.record("dropped").get("state") == "expired")
    assert set(hops(lab, arn)) >= {"ledger: dropped", "execution: execution stopped"}


def test_a_late_answer_is_told_behind_the_end_of_its_task(lab: Laboratory) -> None:
    with lab.vendor.faulty(slow_job_s=600.0):
        arn = lab.start("late", payload(6))
        until(lambda: lab.record("late").get("state") == "accepted")
        lab.target.client("stepfunctions").stop_execution(executionArn=arn)
        until(lambda: lab.record("late").get("state") in ("late", "cancelled"))
    found = hops(lab, arn)
    over = "ledger: answer came late" if lab.record("late")["state"] == "late" else "ledger: called off"
    assert found.index("execution: execution stopped") < found.index(over)


def state_of(lab: Laboratory, metric: str) -> str:
    alarms = lab.target.client("cloudwatch").describe_alarms()["MetricAlarms"]
    [state] = [alarm["StateValue"] for alarm in alarms if alarm["MetricName"] == metric]
    return str(state)


def test_many_forgeries_ring_and_are_forgotten_and_one_rings_nothing(lab: Laboratory) -> None:
    forged = {
        "Content-Type": "application/json",
        "webhook-id": "m",
        "webhook-timestamp": "1",
        "webhook-signature": "v1,A",
    }
    until(lambda: state_of(lab, "CallbacksForged") == "OK")
    with lab.held(lab.callbacks.function):
        for _ in range(40):
            httpx.post(lab.callbacks.url, content=b'{"id": "forged"}', headers=forged)
        until(lambda: lab.depth(lab.callbacks.queue_url) == 40)
    until(lambda: state_of(lab, "CallbacksForged") == "ALARM")
    until(lambda: state_of(lab, "CallbacksForged") == "OK")
    assert told(lab, "dlq", "list", "--queue", "callbacks", "--error", "Forged"), "they are there, and nothing rings"


def test_doubt_rings_on_the_embedded_cloud(lab: Laboratory) -> None:
    until(lambda: state_of(lab, "CallsDoubtful") == "OK")
    with lab.vendor.faulty(down=True):
        lab.end_of(lab.start("in-doubt", payload(7)))
    until(lambda: state_of(lab, "CallsDoubtful") == "ALARM")
