"""`headway callback`: what one side sends the other side takes, and a refusal says why."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from headway_cdk.resources import CONFIGURATION
from typer.testing import CliRunner

from headway.cli import app
from headway.commands.callback import KEY_VARIABLE
from headway.errors import ConfigurationRefused, NotDeployed, Problem, UsageProblem

PRESETS = CONFIGURATION / "presets"
SILENT = "oracle-ohip"
"""It is polled."""
NAMES = sorted({path.stem for path in PRESETS.glob("*.yaml")} - {SILENT})


class Webhook(ThreadingHTTPServer):
    """Keeps what was posted to it, and answers with `status`."""

    def __init__(self) -> None:
        self.posted: list[tuple[dict[str, str], bytes]] = []
        self.status = 202
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/callbacks/acme"


class Handler(BaseHTTPRequestHandler):
    server: Webhook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.posted.append((dict(self.headers.items()), body))
        self.send_response(self.server.status)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *arguments: object) -> None:
        """Be quiet."""


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with Webhook() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def call(state_dir: Path, *words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["callback", *words, "--state-dir", str(state_dir)])
    if isinstance(result.exception, Problem):
        raise result.exception
    return result.exit_code, result.stdout


def judged(tmp_path: Path, name: str, headers: dict[str, str], body: bytes, *words: str) -> tuple[int, Any]:
    path = tmp_path / "body"
    path.write_bytes(body)
    given = [word for header, value in headers.items() for word in ("--header", f"{header}: {value}")]
    contract = str(PRESETS / f"{name}.yaml")
    code, said = call(tmp_path, "verify", contract, "--body", str(path), "--json", *given, *words)
    return code, json.loads(said)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_sent_is_verified(webhook: Webhook, tmp_path: Path, name: str) -> None:
    contract = str(PRESETS / f"{name}.yaml")
    code, said = call(tmp_path, "send", contract, "--job-id", "job-1", "--url", webhook.url)
    assert (code, said) == (0, "stored: HTTP 202 ok\n")
    [(headers, body)] = webhook.posted
    code, judgement = judged(tmp_path, name, headers, body, "--url", webhook.url)
    assert (code, judgement["accepted"], judgement["reason"]) == (0, True, None)
    assert [(event["job_id"], event["means"]) for event in judgement["events"]] == [("job-1", "success")]


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"deepgram", "assemblyai"}))
def test_an_altered_body_is_said_to_be_forged(webhook: Webhook, tmp_path: Path, name: str) -> None:
    call(tmp_path, "send", str(PRESETS / f"{name}.yaml"), "--job-id", "job-1", "--url", webhook.url)
    [(headers, body)] = webhook.posted
    altered = body.replace(b"job-1", b"job-2")
    code, judgement = judged(tmp_path, name, headers, altered, "--url", webhook.url)
    assert (code, judgement["accepted"]) == (1, False)
    assert judgement["reason"].startswith("forged: ")


def test_the_status_the_key_and_the_time_can_be_chosen(
    webhook: Webhook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract = str(PRESETS / "mux.yaml")
    monkeypatch.setenv(KEY_VARIABLE, "secret-1 secret-0")
    call(tmp_path, "send", contract, "--job-id", "a", "--status", "video.asset.errored", "--url", webhook.url)
    [(headers, body)] = webhook.posted
    _, judgement = judged(tmp_path, "mux", headers, body)
    assert judgement["events"] == [{"job_id": "a", "status": "video.asset.errored", "means": "failure"}]
    _, judgement = judged(tmp_path, "mux", headers, body, "--at", "1614265330")
    assert judgement["reason"] == "forged: t of Mux-Signature is in the future"
    monkeypatch.setenv(KEY_VARIABLE, "secret-2")
    _, judgement = judged(tmp_path, "mux", headers, body)
    assert judgement["reason"] == "forged: no signature matches a key"


def test_a_status_that_is_in_no_list_is_malformed(webhook: Webhook, tmp_path: Path) -> None:
    contract = str(PRESETS / "generic.yaml")
    call(tmp_path, "send", contract, "--job-id", "a", "--status", "exploded", "--url", webhook.url)
    [(headers, body)] = webhook.posted
    code, judgement = judged(tmp_path, "generic", headers, body)
    assert (code, judgement["reason"]) == (
        1,
        "malformed: the callback's `status` is in none of the contract's lists",
    )


def test_a_refusal_of_the_webhook_is_an_exit_code(webhook: Webhook, tmp_path: Path) -> None:
    webhook.status = 503
    contract = str(PRESETS / "generic.yaml")
    code, said = call(tmp_path, "send", contract, "--job-id", "a", "--url", webhook.url, "--json")
    assert (code, json.loads(said)) == (1, {"stored": False, "status": 503, "body": "ok"})


def test_what_cannot_be_reached_read_or_found_is_one_line(tmp_path: Path) -> None:
    contract = str(PRESETS / "generic.yaml")
    with pytest.raises(UsageProblem, match=r"--url http://127\.0\.0\.1:1/x: "):
        call(tmp_path, "send", contract, "--job-id", "a", "--url", "http://127.0.0.1:1/x")
    with pytest.raises(NotDeployed, match="run `headway up` first"):
        call(tmp_path, "send", contract, "--job-id", "a")
    with pytest.raises(UsageProblem, match="absent: No such file"):
        call(tmp_path, "verify", contract, "--body", str(tmp_path / "absent"))
    with pytest.raises(ConfigurationRefused, match=r"absent.yaml: there is no such file"):
        call(tmp_path, "verify", "absent.yaml", "--body", contract)


def test_a_vendor_that_calls_nobody_back_has_nothing_to_send_or_to_verify(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match=r"oracle-ohip.yaml: `callback` is missing: oracle-ohip is polled"):
        call(tmp_path, "send", str(PRESETS / f"{SILENT}.yaml"), "--job-id", "a", "--url", "http://127.0.0.1:1/x")


def test_a_body_that_is_no_text_is_judged_by_its_signature_like_any_other(tmp_path: Path) -> None:
    code, judgement = judged(tmp_path, "generic", {}, b"\xff")
    assert (code, judgement["reason"]) == (1, "forged: the header 'webhook-id' is missing")


def test_the_openapi_document_is_printed(tmp_path: Path) -> None:
    contract = str(PRESETS / "mux.yaml")
    code, said = call(tmp_path, "openapi", contract, "--url", "https://a.example/callbacks/mux")
    assert code == 0
    assert list(json.loads(said)["paths"]) == ["/mux"]


STATIC = "  verification: { algorithm: static, header: X-Webhook-Token }"


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("Bearer x", "a word beside white space"),
        ('{\n  "key": "secret-1"\n}', "begins as JSON does"),
        ("x", "it has 1 bytes"),
        ("[]", "it is empty"),
        (" ", "it is empty"),
    ],
)
def test_what_is_no_key_of_the_contract_is_refused_with_a_hint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, words: str
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, key)
    body = tmp_path / "body"
    body.write_text("{}")
    for words_of in (["send", "--job-id", "job-1", "--url", "http://127.0.0.1:1/"], ["verify", "--body", str(body)]):
        name, *others = words_of
        arguments = ["callback", name, str(PRESETS / "mux.yaml"), *others, "--state-dir", str(tmp_path)]
        with pytest.raises(UsageProblem, match=words):
            CliRunner().invoke(app, arguments, catch_exceptions=False)


@pytest.mark.parametrize("url", ["http://hooks.example/callbacks/mux", "http://127.0.0.1.example/", "http://[bad"])
def test_a_key_that_is_sent_itself_goes_over_no_open_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "secret-1")
    contract = tmp_path / "mux.yaml"
    text = (PRESETS / "mux.yaml").read_text()
    assert "  verification: mux" in text
    contract.write_text(text.replace("  verification: mux", STATIC))
    arguments = ["callback", "send", str(contract), "--job-id", "job-1", "--url", url, "--state-dir", str(tmp_path)]
    with pytest.raises(UsageProblem, match=r"^--url http:"):
        CliRunner().invoke(app, arguments, catch_exceptions=False)
