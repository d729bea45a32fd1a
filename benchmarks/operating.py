"""An operator at work while `headway run` drives a lane at 20/s: tuned down and up, paused, deployed, resumed.

`python -m benchmarks.operating`, about four minutes: what the vendor saw, beside what it may have seen.
"""

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from headway_lane.ledger.record import CallAttribute

from headway.deployment import local
from headway.simulator.window import violations, worst_window
from headway.terminal import say
from headway.testing.laboratory import VENDOR, Laboratory
from headway.testing.paced import Contract, Setting, paced_laboratory
from headway.testing.waiting import await_count

RATE_PER_S: Final = 20
SLOWER_PER_S: Final = 5
SETTLED_S: Final = 15.0
"""Behind a deployment's end the vendor sees the new rate within this."""
LOOK_S: Final = 12.0
PAUSE_S: Final = 60.0
CALLS_COUNT: Final = 2_300


def main() -> None:
    """Print what was seen of each part, and end with 1 where a promise was broken."""
    contract, setting = Contract(RATE_PER_S, job_time_s=1.0), Setting("permits", "permits", RATE_PER_S)
    with TemporaryDirectory() as scratch, paced_laboratory(Path(scratch), contract, setting) as lab:
        seen = operate(lab, Path(scratch))
    for line, holds in seen:
        say(f"{'ok ' if holds else 'BAD'} {line}")
    if not all(holds for _, holds in seen):
        sys.exit(1)


def operate(lab: Laboratory, scratch: Path) -> list[tuple[str, bool]]:
    """Tune, pause, deploy and resume under a run."""
    source = scratch / "calls.jsonl"
    lines = [
        {"payload": {"version": "v1", "input": {"index": index}}, "vendor": VENDOR} for index in range(CALLS_COUNT)
    ]
    source.write_text("".join(json.dumps(line) + "\n" for line in lines))
    seen: list[tuple[str, bool]] = []
    ended: list[subprocess.CompletedProcess[str]] = []
    runner = threading.Thread(
        target=lambda: ended.append(
            _headway(lab, "run", "call_vendor", "--input", str(source), "--no-report", "--json")
        )
    )
    runner.start()
    await_count(lab.vendor.admitted_count, 60, "jobs that were accepted")
    for strategy in ("now", "gradual"):
        _must(lab, "tune", VENDOR, "--rate", str(SLOWER_PER_S), "--strategy", strategy, "--wait", "--yes")
        slow = _window(lab)
        seen.append((f"{strategy}: {slow} at most in a second of {SLOWER_PER_S}/s", slow <= SLOWER_PER_S))
        _must(lab, "tune", VENDOR, "--rate", str(RATE_PER_S), "--strategy", strategy, "--wait", "--yes")
        fast = _window(lab)
        words = f"{strategy}: {fast} at most in a second of {RATE_PER_S}/s again"
        seen.append((words, 0.8 * RATE_PER_S <= fast <= RATE_PER_S))
    paused = json.loads(_must(lab, "pause", VENDOR, "--yes", "--json"))
    began = time.time()
    seen.append((f"pause said: {paused['waiting_count']} wait", paused["after"] == "paused"))
    time.sleep(5)  # what was taken has left
    before = lab.vendor.admitted_count()
    local.up(lab.project, {VENDOR: lab.vendor.url}, state_dir=lab.state_dir, assembly=scratch / "assembly")
    time.sleep(max(0.0, PAUSE_S - (time.time() - began)))
    during = lab.vendor.admitted_count() - before
    seen.append((f"pause of {PAUSE_S:g} s with `up` in it: {during} calls at the vendor", during == 0))
    receives = _receives(lab)
    seen.append((f"receives of what waits, this look's with them: {receives}", set(receives) == {1}))
    _must(lab, "resume", VENDOR)
    runner.join()
    outcome = ended[0]
    seen.append((f"run ended with {outcome.returncode}: {outcome.stdout[-300:]!r}", outcome.returncode == 0))
    arrivals_us = _arrivals_us(lab)
    broken = violations(arrivals_us, RATE_PER_S, 1_000_000)
    seen.append((f"{len(arrivals_us)} calls of {CALLS_COUNT}, {broken} violations", broken == 0))
    seen.append((f"{lab.depth(lab.lane.request_dlq_url)} dead letters", lab.depth(lab.lane.request_dlq_url) == 0))
    states = Counter(str(item[CallAttribute.STATE]) for item in lab.records(lab.lane.calls_table))
    seen.append((f"in the ledger: {dict(states)}", len(states) == 1 and len(arrivals_us) == CALLS_COUNT))
    return seen


def _window(lab: Laboratory) -> int:
    """Return the most calls in a second, once a deployment's end is SETTLED_S past, over LOOK_S."""
    time.sleep(SETTLED_S)
    from_us = time.time_ns() // 1_000
    time.sleep(LOOK_S)
    return worst_window([at_us for at_us in _arrivals_us(lab) if at_us >= from_us], 1_000_000)


def _receives(lab: Laboratory) -> Sequence[int]:
    """Return how often messages that wait were received; the look is one more."""
    answer = lab.target.client("sqs").receive_message(
        QueueUrl=lab.lane.request_queue_url,
        MaxNumberOfMessages=10,
        VisibilityTimeout=0,
        WaitTimeSeconds=1,
        MessageSystemAttributeNames=["ApproximateReceiveCount"],
    )
    return [int(one["Attributes"]["ApproximateReceiveCount"]) for one in answer.get("Messages", [])]


def _arrivals_us(lab: Laboratory) -> Sequence[int]:
    return sorted(round(at_ms * 1_000) for at_ms in lab.vendor.report().scopes["submit"].arrivals_epoch_ms)


def _headway(lab: Laboratory, *arguments: str) -> subprocess.CompletedProcess[str]:
    more: list[Any] = ["--state-dir", str(lab.state_dir)]
    if arguments[0] == "run":
        more += ["--config-dir", str(lab.project.configuration)]
    command = [sys.executable, "-c", "from headway.cli import main; main()", *arguments, *more]
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command line


def _must(lab: Laboratory, *arguments: str) -> str:
    done = _headway(lab, *arguments)
    say(f"$ headway {' '.join(arguments)}\n{done.stdout}{done.stderr}")
    if done.returncode:
        raise RuntimeError(f"headway {arguments[0]} ended with {done.returncode}")
    return done.stdout


if __name__ == "__main__":
    main()
