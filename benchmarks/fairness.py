"""Who waits how long behind whom: one tenant floods a vendor, then another asks for a few urgent and normal calls.

Through the whole pipeline, paced by permits. Waits are counted in slots: calls that the vendor saw since the late ones
were asked for. The vendor counts in its own process, on arrival.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Self

import typer
from rich.console import Console
from rich.table import Table

from headway.simulator.vendor_report import VendorReport
from headway.testing.laboratory import Laboratory
from headway.testing.paced import Contract, Setting, paced_laboratory, start_tagged
from headway.testing.waiting import await_count

MOST = 0.8
"""A call that misses its slot reserves anew behind all that is reserved, which is jitter and not fairness: shares
leave the last fifth out.
"""
WARM_UP_CALLS = 12
"""Of each lane: about as many as are under way at one time."""
UNDER_WAY_CALLS = 40
"""So much of the flood has been called when the others come."""


@dataclass(frozen=True, slots=True)
class SlotWaits:
    """Calls of one kind: slots from when they were asked for to the first, to most and to the last of them."""

    first_slots: int
    most_slots: int
    last_slots: int
    most_count: int

    @classmethod
    def of(cls, tags: Sequence[str], kind: str) -> Self:
        """Find the calls of a kind among those that came since."""
        places = [place for place, tag in enumerate(tags, start=1) if tag.startswith(f"{kind}-")]
        most_count = math.ceil(MOST * len(places))
        return cls(places[0], places[most_count - 1], places[-1], most_count)

    @property
    def share(self) -> float:
        """Their share of the slots while most of them were called."""
        return self.most_count / (self.most_slots - self.first_slots + 1)

    def __str__(self) -> str:
        return f"{self.first_slots}, {self.most_slots}, {self.last_slots}"


@dataclass(frozen=True, slots=True)
class Fairness:
    """What the vendor saw; the normal calls are also counted among the calls that were not urgent."""

    urgent: SlotWaits
    normal: SlotWaits
    normal_in_lane: SlotWaits
    flood_left_count: int
    worst_window_count: int
    violations_count: int
    refused_count: int
    calls_count: int

    @classmethod
    def of(cls, report: VendorReport, tags: Sequence[str], asked_epoch_ms: float) -> Self:
        """Read a report with the tags of its calls; ValueError where a call was refused: then they do not match."""
        submit = report.scopes["submit"]
        calls = zip(submit.arrivals_epoch_ms, tags, strict=True)
        since = [tag for arrived_ms, tag in calls if arrived_ms > asked_epoch_ms]
        normal = SlotWaits.of(since, "normal")
        return cls(
            urgent=SlotWaits.of(since, "urgent"),
            normal=normal,
            normal_in_lane=SlotWaits.of([tag for tag in since if not tag.startswith("urgent-")], "normal"),
            flood_left_count=sum(tag.startswith("flood-") for tag in since[normal.last_slots :]),
            worst_window_count=submit.worst_window_count,
            violations_count=submit.violation_count,
            refused_count=submit.refused_count,
            calls_count=submit.call_count,
        )


def warm_up(lab: Laboratory) -> None:
    """Let the workers of both lanes make calls that do not count."""
    lab.vendor.reset()
    start_tagged(lab, [f"warm-{index}" for index in range(WARM_UP_CALLS)])
    start_tagged(lab, [f"warm-urgent-{index}" for index in range(WARM_UP_CALLS)], urgent=True)
    _await(lab, 2 * WARM_UP_CALLS)


def measure(lab: Laboratory, flood_count: int, urgent_count: int, normal_count: int) -> Fairness:
    """Flood, wait until the flood is under way, ask for the others, and wait until the vendor has seen all."""
    lab.vendor.reset()
    start_tagged(lab, [f"flood-{number}" for number in range(flood_count)], tenant="flooder")
    _await(lab, UNDER_WAY_CALLS)
    asked_epoch_ms = time.time() * 1_000
    start_tagged(lab, [f"urgent-{number}" for number in range(urgent_count)], tenant="quiet", urgent=True)
    start_tagged(lab, [f"normal-{number}" for number in range(normal_count)], tenant="quiet")
    _await(lab, flood_count + urgent_count + normal_count)
    report, tags = lab.vendor.tagged_report("tag")
    return Fairness.of(report, tags, asked_epoch_ms)


def _await(lab: Laboratory, calls_count: int) -> None:
    await_count(lab.vendor.admitted_count, calls_count, "calls that the vendor has seen")


def main(
    rate: Annotated[int, typer.Option(help="Contract in calls/s.")] = 20,
    flood: Annotated[int, typer.Option(help="Calls of the tenant that floods.")] = 500,
    urgent: Annotated[int, typer.Option(help="Urgent calls of the other tenant.")] = 10,
    normal: Annotated[int, typer.Option(help="Normal calls of the other tenant.")] = 10,
    runs: Annotated[int, typer.Option(help="Runs, each on a fresh cloud.")] = 1,
    headroom_ms: Annotated[int, typer.Option(help="Headroom of the permits.")] = 20,
) -> None:
    """Print how many slots the late calls waited, to the first, to most and to the last, as the vendor saw it."""
    table = Table("run", "urgent", "share", "normal", "normal, in its lane", "flood left", "worst window", "violations")
    for run in range(1, runs + 1):
        setting = Setting("permits", "permits", rate, headroom_ms, urgent_concurrency=2)
        with TemporaryDirectory() as folder, paced_laboratory(Path(folder), Contract(rate), setting) as lab:
            warm_up(lab)
            seen = measure(lab, flood, urgent, normal)
        table.add_row(
            str(run),
            str(seen.urgent),
            f"{seen.urgent.share:.2f}",
            str(seen.normal),
            str(seen.normal_in_lane),
            str(seen.flood_left_count),
            str(seen.worst_window_count),
            str(seen.violations_count),
        )
    Console().print(table)


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
