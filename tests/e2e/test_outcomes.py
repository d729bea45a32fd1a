"""What goes wrong, end to end: each ends in a clear outcome of its own, and the other lines go on."""

import json
from pathlib import Path

import httpx
from typer.testing import CliRunner

from headway.cli import app
from tests.e2e.laboratory import VENDOR, Laboratory, until
from tests.e2e.running import good, lines, records, run


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
    dead = [json.loads(message["Body"]) for message in lab.messages(lab.lane["request_dlq_url"])]
    call_id = str(found[3]["execution"]).rpartition(":")[2]
    assert call_id in [letter["call"]["call_id"] for letter in dead], "failed for good: also in the DLQ"
    assert (tmp_path / "mixed.report.html").is_file()


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
    result = CliRunner().invoke(app, ["run", "cal_vendor", "--input", str(source), "--state-dir", str(lab.state_dir)])
    assert result.exit_code == 2
    assert "cal_vendor" in result.stderr
    assert "call_vendor" in result.stderr


def test_a_vendor_that_is_down_fails_its_calls_by_name_and_puts_them_into_the_dlq(
    lab: Laboratory, tmp_path: Path
) -> None:
    httpx.post(f"{lab.vendor.url}/_headway/faults", json={"down": True}).raise_for_status()
    try:
        source = lines(tmp_path / "down.jsonl", good("nobody is in"))
        exit_code, _, _ = run(lab, source, "--no-report")
    finally:
        httpx.post(f"{lab.vendor.url}/_headway/faults", json={"down": False}).raise_for_status()
    assert exit_code == 1
    record = records(source)[1]
    assert record["error"] == "Vendor.Unavailable"
    dead = [json.loads(message["Body"])["call"]["call_id"] for message in lab.messages(lab.lane["request_dlq_url"])]
    assert str(record["execution"]).rpartition(":")[2] in dead


def test_malformed_and_forged_callbacks_are_answered_at_once_and_put_aside_with_the_reason(lab: Laboratory) -> None:
    url = f"{lab.stack.outputs['CallbackUrl']}/{VENDOR}"
    headers = {"webhook-id": "msg_1", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA"}
    assert httpx.post(url, content=b'{"id": "x"', headers={"Content-Type": "application/json"}).status_code == 202
    assert httpx.post(url, json={"id": "forged", "status": "succeeded"}, headers=headers).status_code == 202

    def reasons() -> dict[str, str] | None:
        letters = lab.messages(lab.stack.outputs["CallbackDlqUrl"])
        found = {letter["Body"]: letter["MessageAttributes"]["outcome"]["StringValue"] for letter in letters}
        return found if len(found) >= 2 else None

    found = until(reasons)
    assert found['{"id": "x"'] == "Forged", "an unsigned body is refused before it is read"
    assert sorted(found.values()) == ["Forged", "Forged"]


def test_a_signed_callback_without_a_job_id_is_malformed(lab: Laboratory) -> None:
    from datetime import UTC, datetime

    from standardwebhooks import Webhook

    body, now = '{"status": "succeeded"}', datetime.now(UTC)
    headers = {
        "Content-Type": "application/json",
        "webhook-id": "msg_2",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(lab.keys.webhook_secret).sign("msg_2", now, body),
    }
    url = f"{lab.stack.outputs['CallbackUrl']}/{VENDOR}"
    assert httpx.post(url, content=body, headers=headers).status_code == 202

    def letter() -> str | None:
        letters = lab.messages(lab.stack.outputs["CallbackDlqUrl"])
        found = [letter for letter in letters if letter["Body"] == body]
        return found[0]["MessageAttributes"]["outcome"]["StringValue"] if found else None

    assert until(letter) == "Malformed"


def test_an_unknown_vendor_has_no_webhook(lab: Laboratory) -> None:
    assert httpx.post(f"{lab.stack.outputs['CallbackUrl']}/nobody", json={}).status_code in (403, 404)


def test_an_early_and_a_doubled_callback_resume_their_call_exactly_once(lab: Laboratory) -> None:
    faults = {"early_callbacks": True, "duplicate_callbacks": True}
    httpx.post(f"{lab.vendor.url}/_headway/faults", json=faults).raise_for_status()
    try:
        end = lab.end_of(lab.start("early-and-doubled", {"version": "v1", "input": {"prompt": "early"}}))
    finally:
        httpx.post(f"{lab.vendor.url}/_headway/faults", json=dict.fromkeys(faults, False)).raise_for_status()
    assert end["status"] == "SUCCEEDED"
    assert lab.record("early-and-doubled")["state"] == "resumed"


def test_the_interval_drain_dispatches_what_the_schedule_finds(lab: Laboratory) -> None:
    with lab.held(lab.lane["dispatcher_function"]):
        arn = lab.start("drained", {"version": "v1", "input": {"prompt": "once a minute"}})
        until(lambda: lab.depth(lab.lane["request_queue_url"]) == 1)
        answer = lab.target.client("lambda").invoke(
            FunctionName=lab.lane["drain_function"], Payload=json.dumps({"batch_size": 10})
        )
        assert json.loads(answer["Payload"].read()) == {"received": 1, "dispatched": 1}
        assert lab.end_of(arn)["status"] == "SUCCEEDED"
    assert lab.depth(lab.lane["request_queue_url"]) == 0
