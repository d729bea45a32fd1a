"""The simulator as a server on the loopback, with a receiver of its own."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import httpx
import pytest
from rich.console import Console
from standardwebhooks import Webhook
from typer import Typer
from typer.testing import CliRunner

from headway.commands.vendor import vendor
from headway.commands.vendor_table import report_table
from headway.errors import PortInUse
from headway.simulator.keys import VendorKeys
from headway.simulator.offer import Offer
from headway.simulator.rate import Rate
from headway.simulator.server import VendorServer, serve
from headway.simulator.simulator import Simulator

KEYS = VendorKeys.generate()
OFFER = Offer(keys=KEYS, submit=Rate(20, 1), job_time_s=0.0, answer_time_s=0.0)
AUTHORIZED = {"authorization": f"Bearer {KEYS.api_token}"}
Callbacks = SimpleQueue[tuple[bytes, dict[str, str]]]


@pytest.fixture
def receiver() -> Iterator[tuple[str, Callbacks]]:
    callbacks: Callbacks = SimpleQueue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            callbacks.put((self.rfile.read(int(self.headers["content-length"])), dict(self.headers)))
            self.send_response(202)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the standard library
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/hook", callbacks
        server.shutdown()
        thread.join()


def test_a_job_goes_from_submit_to_a_verified_callback(receiver: tuple[str, Callbacks]) -> None:
    webhook, callbacks = receiver
    order = {"version": "v", "input": {"text": "Grüße"}, "webhook": webhook, "webhook_events_filter": ["completed"]}
    with VendorServer(OFFER) as server, httpx.Client(base_url=server.url, headers=AUTHORIZED, trust_env=False) as http:
        job = http.post("/v1/predictions", json=order).json()
        raw, headers = callbacks.get(timeout=5)
        body = Webhook(KEYS.webhook_secret).verify(raw, headers)
        assert (body["id"], body["output"]) == (job["id"], {"echo": {"text": "Grüße"}})
        assert http.get(job["urls"]["get"]).json()["status"] == "succeeded"
        report = server.report()
    assert report.scopes["submit"].call_count == 1
    assert report.jobs_by_status == {"succeeded": 1}


def test_arrivals_are_reported_in_epoch_milliseconds() -> None:
    before_ms = time.time() * 1000
    with VendorServer(OFFER) as server, httpx.Client(trust_env=False) as http:
        for _ in range(12):
            http.post(f"{server.url}/v1/predictions")
        seen = server.report().scopes["submit"]
    assert seen.arrivals_epoch_ms == sorted(seen.arrivals_epoch_ms)
    assert before_ms - 50 < seen.arrivals_epoch_ms[0] < time.time() * 1000 + 50
    assert seen.worst_window_count == 12
    assert seen.violation_count == 0
    assert seen.utilisation is not None


def test_a_port_in_use_is_said_before_serving() -> None:
    with VendorServer(OFFER) as server:
        port = int(server.url.rpartition(":")[2])
        with pytest.raises(PortInUse, match=rf"^127\.0\.0\.1:{port} is in use: choose another with --port$"):
            VendorServer(OFFER, port=port)
        with pytest.raises(PortInUse):
            serve(OFFER, port=port)


@pytest.mark.skipif(os.name != "posix", reason="signals are sent with os.kill")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_serving_with_a_report(number: signal.Signals) -> None:
    def call_and_stop(url: str) -> None:
        httpx.post(f"{url}/v1/predictions", trust_env=False)  # answered only once the signals are listened to
        os.kill(os.getpid(), number)

    def on_ready(url: str) -> None:
        threading.Thread(target=call_and_stop, args=(url,)).start()

    handler_before = signal.getsignal(number)
    report = serve(OFFER, port=0, on_ready=on_ready)
    assert report.scopes["submit"].call_count == 1
    assert signal.getsignal(number) is handler_before


def test_the_table_names_what_the_vendor_saw() -> None:
    console = Console(width=100)
    with console.capture() as capture:
        console.print(report_table(Simulator(OFFER).report()))
    assert "utilisation" in capture.get()
    assert "20/1" in capture.get()
    assert "worst jobs in flight" in capture.get()


@pytest.fixture
def command() -> Typer:
    app = Typer()
    app.command()(vendor)
    return app


@pytest.mark.parametrize(
    ("options", "said"),
    [(["--shape", "nobody"], "known: replicate"), (["--submit-rate", "fast"], "CALLS/SECONDS")],
)
def test_a_wrong_option_is_refused_by_name(command: Typer, tmp_path: Path, options: list[str], said: str) -> None:
    result = CliRunner().invoke(command, [*options, "--state-dir", str(tmp_path)])
    assert result.exit_code == 2
    assert said in result.output
    assert options[0] in result.output


def test_the_command_says_which_port_is_in_use_and_prints_no_secret(command: Typer, tmp_path: Path) -> None:
    with VendorServer(OFFER) as server:
        port = server.url.rpartition(":")[2]
        result = CliRunner().invoke(command, ["--port", port, "--state-dir", str(tmp_path)])
    assert result.exit_code == 1
    assert f"127.0.0.1:{port} is in use" in result.output
    assert "whsec_" not in result.output


def test_no_jobs_in_flight_is_no_offer() -> None:
    with pytest.raises(ValueError, match="in_flight is at least 1"):
        Offer(in_flight=0)


@pytest.mark.parametrize("text", ["10", "0/1", "10/0", "ten/1", "10/-1", "10/inf", "10/nan"])
def test_a_limit_that_is_not_one_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="CALLS/SECONDS"):
        Rate.parse(text)
    assert str(Rate.parse("600/60")) == "600/60"
