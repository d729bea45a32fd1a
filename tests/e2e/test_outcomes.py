"""What goes wrong, end to end: each ends in a clear outcome of its own, and the other lines go on."""

import json
from pathlib import Path

from typer.testing import CliRunner

from headway.cli import app
from headway.testing.laboratory import Laboratory
from headway.testing.waiting import until
from tests.command_line import good, lines, records, run


def test_a_bad_line_and_a_call_that_the_vendor_refuses_do_not_stop_the_others(lab: Laboratory, tmp_path: Path) -> None:
    refused = json.dumps({"payload": {"input": {"prompt": "no version"}}})
    missing = json.dumps({"vendor": "nobody", "payload": {}})
    source = lines(tmp_path / "mixed.jsonl", good("one"), "{not json", refused, missing, good("two"))
    exit_code, _, stderr = run(lab, source)
    assert exit_code == 1
    found = records(source)
    assert [found[line]["outcome"] for line in (1, 2, 3, 4, 5)] == [
        "succeeded",
        "invalid",
        "failed",
        "invalid",
        "succeeded",
    ]
    assert "mixed.jsonl:2" in stderr
    assert "nobody" in str(found[4]["cause"])
    assert found[3]["error"] == "Vendor.Rejected"
    dead = [json.loads(message["Body"]) for message in lab.messages(lab.lane.request_dlq_url)]
    call_id = lab.call_id(str(found[3]["execution"]).rpartition(":")[2])
    assert call_id in [dead_letter["call"]["call_id"] for dead_letter in dead], "failed for good: also in the DLQ"
    assert (tmp_path / "mixed.report.html").is_file()


def test_a_call_that_the_vendor_refuses_rings_the_alarm_of_its_lanes_dlq(lab: Laboratory) -> None:
    dlq_url, cloudwatch = lab.lane.request_dlq_url, lab.target.client("cloudwatch")
    lab.target.client("sqs").purge_queue(QueueUrl=dlq_url)

    def states() -> dict[str, str]:
        return {
            dimension["Value"]: alarm["StateValue"]
            for alarm in cloudwatch.describe_alarms()["MetricAlarms"]
            for dimension in alarm["Dimensions"]
            if alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"
        }

    dlq = dlq_url.rpartition("/")[2]
    until(lambda: states().get(dlq) == "OK")
    others = {queue: state for queue, state in states().items() if queue != dlq}
    lab.end_of(lab.start("refused-and-rung", {"input": {"prompt": "no version"}}))
    until(lambda: states()[dlq] == "ALARM")
    assert others
    assert {queue: state for queue, state in states().items() if queue != dlq} == others


def test_a_second_run_of_the_same_file_repeats_only_what_did_not_succeed(lab: Laboratory, tmp_path: Path) -> None:
    refused = json.dumps({"payload": {"input": {"prompt": "never right"}}})
    source = lines(tmp_path / "twice.jsonl", good("once only"), refused)
    run(lab, source, "--no-report")
    before = lab.vendor.report().as_json()["jobs_by_status"]["succeeded"]
    exit_code, _, _ = run(lab, source, "--no-report")
    assert exit_code == 1
    assert lab.vendor.report().as_json()["jobs_by_status"]["succeeded"] == before
    assert records(source)[2]["attempt"] == 2


def test_an_unknown_workflow_is_refused_by_name(lab: Laboratory, tmp_path: Path) -> None:
    source = lines(tmp_path / "any.jsonl", good("any"))
    places = ["--state-dir", str(lab.state_dir), "--config-dir", str(lab.project.configuration)]
    result = CliRunner().invoke(app, ["run", "cal_vendor", "--input", str(source), *places])
    assert result.exit_code == 2
    assert "cal_vendor" in result.stderr
    assert "call_vendor" in result.stderr


def test_a_vendor_that_is_down_fails_its_calls_by_name_and_puts_them_into_the_dlq(
    lab: Laboratory, tmp_path: Path
) -> None:
    source = lines(tmp_path / "down.jsonl", good("nobody is in"))
    with lab.vendor.faulty(down=True):
        exit_code, _, _ = run(lab, source, "--no-report")
    assert exit_code == 1
    record = records(source)[1]
    assert record["error"] == "Vendor.Unavailable"
    dead = [json.loads(message["Body"])["call"]["call_id"] for message in lab.messages(lab.lane.request_dlq_url)]
    assert lab.call_id(str(record["execution"]).rpartition(":")[2]) in dead


def test_an_early_and_a_doubled_callback_resume_their_call_exactly_once(lab: Laboratory) -> None:
    with lab.vendor.faulty(early_callbacks=True, duplicate_callbacks=True):
        end = lab.end_of(lab.start("early-and-doubled", {"version": "v1", "input": {"prompt": "early"}}))
    assert end["status"] == "SUCCEEDED"
    assert lab.record("early-and-doubled")["state"] == "resumed"


def test_the_job_of_a_stopped_execution_is_called_off_and_a_redrive_asks_for_another(lab: Laboratory) -> None:
    states = lab.target.client("stepfunctions")
    before = lab.vendor.report().as_json()["jobs_by_status"]

    def jobs(status: str) -> int:
        return int(lab.vendor.report().as_json()["jobs_by_status"].get(status, 0)) - int(before.get(status, 0))

    with lab.vendor.faulty(slow_job_s=600.0):
        arn = lab.start("called-off", {"version": "v1", "input": {"prompt": "stop"}})
        until(lambda: jobs("processing") == 1)
        until(lambda: lab.record("called-off")["state"] == "accepted")
        states.stop_execution(executionArn=arn)
        until(lambda: jobs("canceled") == 1)
        # The vendor's callback tells of the cancel, too, and may come before our own last word.
        until(lambda: lab.record("called-off")["state"] in ("cancelled", "late"))
    assert lab.execution(arn)["status"] == "ABORTED"
    states.redrive_execution(executionArn=arn)
    assert lab.end_of(arn)["status"] == "SUCCEEDED"
    assert (jobs("canceled"), jobs("succeeded")) == (1, 1)


def test_the_interval_drain_dispatches_what_the_schedule_finds(lab: Laboratory) -> None:
    with lab.held(lab.lane.dispatcher_function):
        arn = lab.start("drained", {"version": "v1", "input": {"prompt": "once a minute"}})
        until(lambda: lab.depth(lab.lane.request_queue_url) == 1)
        answer = lab.target.client("lambda").invoke(
            FunctionName=lab.lane.dispatcher_function, Payload=json.dumps({"batch_size": 10})
        )
        assert json.loads(answer["Payload"].read()) == {"received": 1, "dispatched": 1}
        assert lab.end_of(arn)["status"] == "SUCCEEDED"
    assert lab.depth(lab.lane.request_queue_url) == 0
