"""Thousands of calls through the whole pipeline, with a bounded number open at a time: what the embedded cloud's own
process weighs meanwhile, and the processor time of a call.

One lane, with a contract far above what two cores can do. Memory is of the cloud's server alone, without its workers:
resident set and proportional set (PSS), every few hundred calls. A worker's PSS is the mean of all that run at the end,
among them templates, of which workers share. Processor time is counted by process: the server, the workers of each
function, and templates.
"""

import re
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Final

import psutil
import typer

from benchmarks.figures import conclude
from headway.cloud.process import members
from headway.cloud.state import CloudState
from headway.testing.laboratory import VENDOR, Laboratory
from headway.testing.paced import Contract, Setting, call, paced_laboratory

BYTES_PER_MB: Final = 1_000_000
LIMIT_MB: Final = 400
"""Of the server's PSS, whenever it is looked at."""
RATE_PER_S: Final = 500
JOB_TIME_S: Final = 0.2
WARM_UP_CALLS: Final = 200
"""They start workers, and fill what is kept once: they count for the peak, and for nothing else."""
LOOKED_AT: Final = 20
"""How many of the oldest open calls are asked about at a time: nearly all calls end in the order of their starts."""
PAUSE_S: Final = 0.25
SILENCE_S: Final = 120.0
"""Nothing ends for so long: the run has failed."""
_WORKER: Final = re.compile(rf"ministack-lambda-.*{VENDOR}-(\w+)")
"""Name of the folder that a worker of the lane runs in."""


@dataclass(frozen=True, slots=True)
class CloudSample:
    """The cloud after so many calls: MB of its server, seconds of processor time by `hop_of`."""

    calls_count: int
    rss_mb: float
    pss_mb: float
    processor_s: Mapping[str, float]


@dataclass(slots=True)
class ProcessWatch:
    """Looks at the processes of a cloud; remembers the time that those used which have gone."""

    cloud: CloudState
    _last_s: dict[int, tuple[str, float]] = field(default_factory=dict)

    def sample(self, calls_count: int) -> CloudSample:
        """Look now."""
        for process in members(self.cloud):
            with suppress(psutil.Error):
                used = process.cpu_times()
                hop = self.hop_of(process)
                self._last_s[process.pid] = (hop, used.user + used.system)
        total_s: Counter[str] = Counter()
        for hop, used_s in self._last_s.values():
            total_s[hop] += used_s  # type: ignore[assignment] # a Counter of seconds
        memory = psutil.Process(self.cloud.pid).memory_full_info()
        return CloudSample(calls_count, memory.rss / BYTES_PER_MB, memory.pss / BYTES_PER_MB, dict(total_s))

    def worker_mb(self) -> dict[str, float]:
        """Return the mean PSS of the processes of each hop, in MB."""
        weights: dict[str, list[float]] = {}
        for process in members(self.cloud):
            with suppress(psutil.Error):
                weights.setdefault(self.hop_of(process), []).append(process.memory_full_info().pss / BYTES_PER_MB)
        return {hop: sum(mb) / len(mb) for hop, mb in sorted(weights.items())}

    def hop_of(self, process: psutil.Process) -> str:
        """Return `cloud` for the server, the function for a worker of the lane, `templates` for what they start from,
        `others` for what is not the lane's.
        """
        if process.pid == self.cloud.pid:
            return "cloud"
        folder = process.cwd()
        if found := _WORKER.search(folder):
            return found[1]
        return "others" if "ministack-lambda-" in folder else "templates"


@dataclass(slots=True)
class ClosedLoop:
    """Keeps a number of calls open until all are made."""

    lab: Laboratory
    name: str
    open_count: int
    _open: deque[str] = field(default_factory=deque)

    def run(self, calls_count: int, ended: Callable[[int], None]) -> None:
        """Make so many calls; `ended` hears how many have, after each look that found some. Raises RuntimeError for a
        call that did not end well, and where nothing ends for SILENCE_S.
        """
        started_count = ended_count = 0
        heard_s = time.monotonic()
        while ended_count < calls_count:
            fresh_count = min(self.open_count - len(self._open), calls_count - started_count)
            numbers = range(started_count, started_count + fresh_count)
            inputs = {f"{self.name}-{number}": call({"index": number}) for number in numbers}
            self._open.extend(self.lab.start_all(inputs))
            started_count += fresh_count
            if over_count := self._take_out():
                ended_count, heard_s = ended_count + over_count, time.monotonic()
                ended(ended_count)
            elif time.monotonic() - heard_s > SILENCE_S:
                raise RuntimeError(f"nothing has ended for {SILENCE_S:g} s after {ended_count} of {calls_count} calls")
            else:
                time.sleep(PAUSE_S)

    def _take_out(self) -> int:
        """Look at the oldest that are open, forget those that have ended, and return how many."""
        looked_at = [self._open.popleft() for _ in range(min(LOOKED_AT, len(self._open)))]
        running = []
        for arn in looked_at:
            status = self.lab.execution(arn)["status"]
            if status == "RUNNING":
                running.append(arn)
            elif status != "SUCCEEDED":
                raise RuntimeError(f"{arn} ended as {status}")
        self._open.extendleft(reversed(running))
        return len(looked_at) - len(running)


@dataclass(frozen=True, slots=True)
class Endurance:
    """What a run came to. Per call is what grew between the first and the last sample."""

    calls_count: int
    seconds: float
    calls_per_s: float
    peak_rss_mb: float
    peak_pss_mb: float
    kb_per_call: float
    processor_ms_per_call: float
    processor_ms_by_hop: Mapping[str, float]
    pss_mb_by_hop: Mapping[str, float]
    samples: tuple[CloudSample, ...]

    @property
    def is_light(self) -> bool:
        """Whether the server stayed under its limit."""
        return self.peak_pss_mb < LIMIT_MB


def endure(lab: Laboratory, calls_count: int, open_count: int, every_count: int) -> Endurance:
    """Warm the lane, make the calls, and return what was seen."""
    if lab.connection.cloud is None:
        raise ValueError("only an embedded cloud can be weighed")
    watch = ProcessWatch(lab.connection.cloud)
    ClosedLoop(lab, "warm-up", open_count).run(min(WARM_UP_CALLS, calls_count), lambda _: None)
    samples = [watch.sample(0)]

    def look(ended_count: int) -> None:
        if ended_count - samples[-1].calls_count >= every_count or ended_count == calls_count:
            samples.append(watch.sample(ended_count))
            typer.echo(f"{ended_count:>6} calls: {samples[-1].pss_mb:6.1f} MB", err=True)

    began_s = time.monotonic()
    ClosedLoop(lab, "call", open_count).run(calls_count, look)
    seconds = time.monotonic() - began_s
    return summed(samples, seconds, watch.worker_mb())


def summed(samples: list[CloudSample], seconds: float, pss_mb_by_hop: Mapping[str, float]) -> Endurance:
    """Return the figures of a run from its samples, of which the first is before its first call."""
    first, last = samples[0], samples[-1]
    calls_count = last.calls_count
    by_hop = {
        hop: (used_s - first.processor_s.get(hop, 0)) * 1_000 / calls_count
        for hop, used_s in sorted(last.processor_s.items())
    }
    return Endurance(
        calls_count=calls_count,
        seconds=seconds,
        calls_per_s=calls_count / seconds,
        peak_rss_mb=max(sample.rss_mb for sample in samples),
        peak_pss_mb=max(sample.pss_mb for sample in samples),
        kb_per_call=(last.pss_mb - first.pss_mb) * 1_000 / calls_count,
        processor_ms_per_call=sum(by_hop.values()),
        processor_ms_by_hop=by_hop,
        pss_mb_by_hop=pss_mb_by_hop,
        samples=tuple(samples),
    )


def main(
    calls: Annotated[int, typer.Option(help="Calls, after those that warm the lane.", min=100)] = 20_000,
    open_calls: Annotated[int, typer.Option("--open", help="Calls that are open at a time.", min=1)] = 60,
    every: Annotated[int, typer.Option(help="Calls between two looks at the memory.", min=1)] = 250,
    rate: Annotated[int, typer.Option(help="Contract in calls a second.", min=1)] = RATE_PER_S,
    pacing: Annotated[str, typer.Option(help="`permits`, or `delay` for plain pacing.")] = "permits",
    as_json: Annotated[bool, typer.Option("--json", help="Print all figures as JSON, and nothing else.")] = False,
) -> None:
    """Print what the embedded cloud's server weighs over many calls, and the processor time of one; exit code 1 where
    it came to 400 MB. Ctrl-C ends it, and takes the cloud down.

    For example:

        python -m benchmarks.endurance --calls 2000
    """
    contract = Contract(rate, job_time_s=JOB_TIME_S)
    setting = Setting("endurance", pacing, rate)
    with TemporaryDirectory() as folder, paced_laboratory(Path(folder), contract, setting) as lab:
        seen = endure(lab, calls, open_calls, every)
    figures = asdict(seen)
    if not as_json:
        del figures["samples"]
    conclude(
        f"{calls} calls on the embedded cloud",
        figures,
        ("is_light", f"its server under {LIMIT_MB} MB", seen.is_light),
        as_json=as_json,
    )


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
