"""Single calls through warm functions: how long a workflow takes from its start to its end, beside the plain reference.

Both are on one embedded cloud, before one vendor that answers a submit at once and calls back 0.2 s later. They call in
turn, one call at a time, so that whatever else the machine does meets both. The time is Step Functions' own: `stopDate`
less `startDate` of the execution.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import Progress

from benchmarks.figures import conclude
from benchmarks.plain.deployment import deploy_plain
from benchmarks.sides import Side
from headway.testing.paced import Contract, Setting, call, paced_laboratory
from headway.testing.waiting import until

CONTRACT: Final = Contract(20, job_time_s=0.2)
SETTING: Final = Setting("permits", "permits", CONTRACT.rate_per_s, result_in_callback=True)
"""The plain reference hands over what the callback brings, too."""
WARM_UP_CALLS: Final = 3
REST_S: Final = 0.5
"""Between two calls: long enough for what the one before has left to be done."""
RATIO_AT_MOST: Final = 1.15
PERCENTILE: Final = 95


@dataclass(frozen=True, slots=True)
class Singles:
    """Seconds from start to end of each call of both sides, in the order in which they were made."""

    headway_s: Sequence[float]
    plain_s: Sequence[float]

    @property
    def ratio(self) -> float:
        """Headway's median over the plain one."""
        return median(self.headway_s) / median(self.plain_s)


def percentile_s(times_s: Sequence[float]) -> float:
    """Return the 95th percentile of two times at least, between the slowest ones."""
    return quantiles(times_s, n=100, method="inclusive")[PERCENTILE - 1]


def time_of(side: Side, name: str) -> float:
    """Make one call, and return the seconds from its start to its end. Raises RuntimeError where it fails."""
    [arn] = side.start_all({name: call({"name": name})})
    ended = until(lambda: (found := side.described(arn))["status"] != "RUNNING" and found)
    if ended["status"] != "SUCCEEDED":
        raise RuntimeError(f"{side.name}: {name} ended {ended['status']}: {ended.get('error')}")
    return float((ended["stopDate"] - ended["startDate"]).total_seconds())


def measure(scratch: Path, calls_count: int, progress: Progress) -> Singles:
    """Deploy both, warm both up, and let them call in turn."""
    bar = progress.add_task("deploying both", total=calls_count)
    with paced_laboratory(scratch, CONTRACT, SETTING) as lab:
        cloud = lab.connection.cloud
        if cloud is None:
            raise ValueError("only an embedded cloud takes the plain reference")
        headway = Side.of_laboratory(lab)
        plain = deploy_plain(scratch / "plain-assembly", cloud, lab.vendor, CONTRACT.rate_per_s)
        progress.update(bar, description="warming up")
        for number in range(WARM_UP_CALLS):
            for side in (headway, plain):
                time_of(side, f"warm-up-{number}")
        progress.update(bar, description="calling in turn")
        times: dict[str, list[float]] = {headway.name: [], plain.name: []}
        for number in range(calls_count):
            for side in (plain, headway):
                time.sleep(REST_S)
                times[side.name].append(time_of(side, f"single-{number}"))
            progress.advance(bar)
    return Singles(times[headway.name], times[plain.name])


def main(
    calls: Annotated[int, typer.Option(help="Calls of each side.", min=2)] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON, and nothing else.")] = False,
) -> None:
    """Print how long a single call takes, through Headway and through the plain reference; exit code 1 where Headway's
    median is more than 1.15 times the plain one.

    For example:

        python -m benchmarks.single --calls 5
    """
    with TemporaryDirectory() as folder, Progress(console=Console(stderr=True), transient=True) as progress:
        seen = measure(Path(folder), calls, progress)
    figures = {
        "headway_median_ms": median(seen.headway_s) * 1_000,
        "headway_p95_ms": percentile_s(seen.headway_s) * 1_000,
        "plain_median_ms": median(seen.plain_s) * 1_000,
        "plain_p95_ms": percentile_s(seen.plain_s) * 1_000,
        "ratio": seen.ratio,
    }
    verdict = ("is_good", f"at most {RATIO_AT_MOST} times the plain reference", seen.ratio <= RATIO_AT_MOST)
    conclude(f"{calls} single calls of each side", figures, verdict, as_json=as_json)


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
