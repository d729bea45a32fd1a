"""The inbox, end to end: what comes in is stored byte for byte, judged, and put aside for an operator to replay."""

import base64
import hmac
import json
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

import httpx
from typer.testing import CliRunner

from headway.cli import app
from headway.testing.laboratory import VENDOR, Laboratory
from headway.testing.waiting import until

JSON = {"Content-Type": "application/json"}


def signed(lab: Laboratory, body: bytes, message_id: str) -> dict[str, str]:
    """Sign bytes as Standard Webhooks says; its own library signs texts only."""
    key, now = base64.b64decode(lab.vendor.keys.webhook_secret.removeprefix("whsec_")), str(int(time.time()))
    digest = hmac.digest(key, f"{message_id}.{now}.".encode() + body, "sha256")
    signature = f"v1,{base64.b64encode(digest).decode()}"
    return {**JSON, "webhook-id": message_id, "webhook-timestamp": now, "webhook-signature": signature}


def post(lab: Laboratory, body: bytes, headers: Mapping[str, str]) -> None:
    """Post a callback; it is stored, whatever it is."""
    answer = httpx.post(lab.callbacks.url, content=body, headers=headers)
    assert (answer.status_code, answer.json()) == (202, {"status": "accepted"})


def told(lab: Laboratory, *words: str) -> Any:
    """Run a command for operators and return what it says."""
    result = CliRunner().invoke(app, [*words, "--json", "--state-dir", str(lab.state_dir)])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def read(body: bytes) -> Any:
    """Return a body as a command shows it: JSON, or a text where it is none."""
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")


def dead_letter_of(lab: Laboratory, body: bytes) -> dict[str, Any] | None:
    """Return the dead letter with a body, None where there is none."""
    found = [
        dead_letter
        for dead_letter in told(lab, "dlq", "list", "--queue", "callbacks", "--bodies")
        if dead_letter["original"] == read(body)
    ]
    return found[0] if found else None


def test_a_callback_that_is_no_utf_8_resumes_its_workflow_because_its_bytes_are_what_was_signed(
    lab: Laboratory,
) -> None:
    with lab.vendor.faulty(lost_callbacks=True):
        arn = lab.start("no-utf-8", {"version": "v1", "input": {"prompt": "bytes"}})
        job_id = until(lambda: lab.record("no-utf-8").get("job_id"))
        body = b'{"id": "%b", "status": "succeeded", "note": "\xff\xfe"}' % str(job_id).encode()
        patched = body.decode(errors="replace").encode()
        post(lab, patched, signed(lab, body, "msg_patched"))
        until(lambda: dead_letter_of(lab, patched))
        assert lab.record("no-utf-8")["state"] == "accepted", "the signature is not that of the patched text"
        post(lab, body, signed(lab, body, "msg_bytes"))
        assert lab.end_of(arn)["status"] == "SUCCEEDED"


def test_malformed_and_forged_callbacks_are_answered_at_once_and_put_aside_with_the_reason(lab: Laboratory) -> None:
    unsigned, forged, nameless = b'{"id": "x"', b'{"id": "forged"}', b'{"status": "succeeded"}'
    post(lab, unsigned, JSON)
    post(lab, forged, {**JSON, "webhook-id": "msg_1", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA"})
    post(lab, nameless, signed(lab, nameless, "msg_2"))
    reasons = {body: until(partial(dead_letter_of, lab, body)) for body in (unsigned, forged, nameless)}
    assert {body: (dead_letter["error"], dead_letter["cause"]) for body, dead_letter in reasons.items()} == {
        unsigned: ("Forged", "the header 'webhook-id' is missing"),
        forged: ("Forged", "webhook-timestamp is old"),
        nameless: ("Malformed", "the callback has no job ID at `id`"),
    }


def test_a_replayed_dead_letter_is_judged_anew_as_of_the_day_it_came(lab: Laboratory) -> None:
    stranger = b'{"id": "stranger", "status": "succeeded"}'
    post(lab, stranger, {**signed(lab, stranger, "msg_3"), "webhook-signature": "v1,AAAA"})
    first = until(lambda: dead_letter_of(lab, stranger))
    chosen = ("--vendor", VENDOR, "--error", "Forged", "--yes", "--config-dir", str(lab.project.configuration))
    assert told(lab, "dlq", "redrive", *chosen)["sent"] >= 1

    def another() -> dict[str, Any] | None:
        found = dead_letter_of(lab, stranger)
        return found if found and found["message_id"] != first["message_id"] else None

    again = until(another)
    assert (again["cause"], again["since_epoch_s"]) == (first["cause"], first["since_epoch_s"])


def test_an_answer_that_nobody_waits_for_is_listed(lab: Laboratory) -> None:
    body = b'{"id": "of-another-system", "status": "failed"}'
    post(lab, body, signed(lab, body, "msg_4"))
    orphan = until(
        lambda: next((one for one in told(lab, "calls", "orphans") if one["job_id"] == "of-another-system"), None)
    )
    assert (orphan["vendor"], orphan["status"]) == (VENDOR, "failed")


def test_an_unknown_vendor_has_no_webhook(lab: Laboratory) -> None:
    assert httpx.post(f"{lab.callbacks.url}-nobody", json={}).status_code in (403, 404)
