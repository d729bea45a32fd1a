"""The whole pipeline under load: a vendor process that counts, an embedded cloud with one configuration, many calls."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from headway import embedded
from headway.cloud.endpoint import LocalTarget
from headway.stack import Stack
from headway.synthesis import CONFIGURATION

VENDOR = "replicate"
POLL_RATE = 200
JOB_TIME_S = 2.0
WARM_UP_CALLS = 60
PATIENCE_S = 180.0
STARTERS = 8


@dataclass(frozen=True, slots=True)
class Setting:
    """One way of pacing: name, contract changes and tuning."""

    name: str
    pacing: str
    rate_per_s: float
    headroom_ms: int = 15
    answers_prove_arrival: bool = True
    urgent_concurrency: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """What the vendor saw of one run."""

    calls_count: int
    utilisation: float
    worst_window_count: int
    violations_count: int
    duration_s: float


@contextmanager
def vendor(scratch: Path, submit_rate: int, answer_jitter_s: float) -> Iterator[str]:
    """Run the simulated vendor in a process of its own, so that its clock is not ours; yields its URL."""
    port = _free_port()
    arguments = ["--port", str(port), "--submit-rate", f"{submit_rate}/1", "--poll-rate", f"{POLL_RATE}/1"]
    times = ["--job-time", str(JOB_TIME_S), "--answer-time", "0", "--answer-jitter", str(answer_jitter_s)]
    command = [sys.executable, "-c", "from headway.cli import main; main()", "vendor", *arguments, *times]
    process = subprocess.Popen(  # noqa: S603 - our own words
        [*command, "--state-dir", str(scratch)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(f"http://127.0.0.1:{port}/_headway/health")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


@contextmanager
def cloud(scratch: Path, contract_rate: int, setting: Setting, vendor_url: str) -> Iterator["Pipeline"]:
    """Deploy one configuration on an embedded cloud of its own."""
    configuration = _configuration(scratch, contract_rate, setting)
    try:
        state, stack = embedded.up(
            scratch, {VENDOR: vendor_url}, configuration=configuration, assembly=scratch / "assembly"
        )
        yield Pipeline(LocalTarget(state.endpoint_url), stack, vendor_url)
    finally:
        embedded.down(scratch)


class Pipeline:
    """A deployed configuration that takes calls."""

    def __init__(self, target: LocalTarget, stack: Stack, vendor_url: str) -> None:
        self._step_functions = target.client("stepfunctions")
        self._machine = stack.workflows["call_vendor"][VENDOR]
        self._vendor_url = vendor_url

    def run(self, calls_count: int, name: str) -> Seen:
        """Make calls, wait until all results are fetched, and return what the vendor saw."""
        self.reset()
        started_s = time.monotonic()
        self.start({f"{name}-{index}": _call({"index": index}) for index in range(calls_count)})
        while (scopes := self.report()["scopes"])["poll"]["admitted_count"] < calls_count:
            if time.monotonic() - started_s > PATIENCE_S:
                raise TimeoutError(f"{name}: {scopes['poll']['admitted_count']} of {calls_count} calls ended")
            time.sleep(1)
        submit = scopes["submit"]
        return Seen(
            calls_count=submit["call_count"],
            utilisation=submit["utilisation"],
            worst_window_count=submit["worst_window_count"],
            violations_count=submit["violation_count"],
            duration_s=time.monotonic() - started_s,
        )

    def start_tagged(self, names: Sequence[str], **rest: Any) -> None:
        """Start calls whose payload is tagged with their name; `rest` goes beside it: `tenant`, `urgent`."""
        self.start({name: {**_call({"tag": name}), **rest} for name in names})

    def start(self, inputs: Mapping[str, Any]) -> None:
        """Start one execution per name, with its input."""

        def begin(name: str) -> None:
            self._step_functions.start_execution(
                stateMachineArn=self._machine, name=name, input=json.dumps(inputs[name])
            )

        with ThreadPoolExecutor(STARTERS) as pool:
            list(pool.map(begin, inputs))

    def reset(self) -> None:
        """Let the vendor forget what it saw."""
        httpx.post(f"{self._vendor_url}/_headway/reset").raise_for_status()

    def report(self, **wanted: str) -> Mapping[str, Any]:
        """Return the vendor's report; `arrivals="1"` and `tags="tag"` ask for more."""
        report: Mapping[str, Any] = httpx.get(f"{self._vendor_url}/_headway/report", params=wanted).json()
        return report


def _call(payload: Mapping[str, Any]) -> dict[str, Any]:
    return {"payload": {"version": "v1", "input": payload}}


def _configuration(scratch: Path, contract_rate: int, setting: Setting) -> Path:
    """Write a copy of the shipped configuration with this contract and setting."""
    directory = scratch / "configuration"
    shutil.rmtree(directory, ignore_errors=True)
    shutil.copytree(CONFIGURATION, directory)
    path = directory / "vendors" / f"{VENDOR}.yaml"
    contract = yaml.safe_load(path.read_text())
    contract["limits"] = [
        {"quantity": "calls", "amount": contract_rate, "per_s": 1, "scope": "submit"},
        {"quantity": "calls", "amount": POLL_RATE, "per_s": 1, "scope": "poll"},
    ]
    contract["submit"]["fields"] = {"webhook_events_filter": ["completed"]}
    dispatch = contract["dispatch"]
    dispatch["pacing"] = setting.pacing
    dispatch["urgent_concurrency"] = setting.urgent_concurrency
    dispatch["reserved_concurrency"] = dispatch["maximum_concurrency"] + setting.urgent_concurrency
    path.write_text(yaml.safe_dump(contract))
    tuning = {
        "delay_ms": 0,
        "rate_per_s": setting.rate_per_s,
        "headroom_ms": setting.headroom_ms,
        "answers_prove_arrival": setting.answers_prove_arrival,
    }
    (directory / "tuning" / f"{VENDOR}.yaml").write_text(yaml.safe_dump(tuning))
    return directory


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(url: str) -> None:
    for _ in range(100):
        try:
            if httpx.get(url).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise TimeoutError(f"{url} does not answer")
