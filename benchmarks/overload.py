"""More calls than the contract takes, for hours, and then a little less, on a virtual clock: how many of them reach the
vendor while their tasks wait. A lane that is not careful sends what has just died, or spends its slots on it.

Tasks have the patience that Headway derives from the contract's waits. Dispatchers, callers, ledger and reservations
are the functions' own; what surrounds them is in `virtual_lane.py`.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from random import Random
from typing import Annotated, Any, Final

import typer
import yaml
from headway_cdk.resources import EXAMPLE_CONFIGURATION
from headway_lane.caller.invocation import CallOutcome
from headway_lane.contract.vendor import Vendor
from headway_lane.runtime.names import Metric
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.figures import conclude
from benchmarks.vendor_copies import contract_file
from benchmarks.virtual_lane import VirtualLane
from benchmarks.virtual_queue import US_PER_S
from headway.simulator.window import violations
from headway.testing.laboratory import VENDOR
from headway.testing.virtual_threads import START_US

LEAST_USEFUL: Final = 0.95
"""Of what is offered in a window, or of what the contract gives in it where that is less."""
WINDOW_S: Final = 300
PER_S: Final = 3_600


@dataclass(frozen=True, slots=True)
class OverloadCase:
    """A contract of so many calls a second, its waits, and what is offered: `overload` times the contract for `over_s`,
    then `rest` times for `rest_s`. Times in seconds; a whole number of windows.
    """

    rate_per_s: int = 10
    tolerated_s: int = 300
    answer_s: int = 900
    overload: float = 1.25
    over_s: int = 3 * PER_S
    rest: float = 0.95
    rest_s: int = 2 * PER_S
    window_s: int = WINDOW_S
    maximum_concurrency: int = 2
    seed: int = 1

    @property
    def vendor(self) -> Vendor:
        """The example's contract with this limit and these waits, paced by permits and without checks."""
        document = yaml.safe_load(contract_file(EXAMPLE_CONFIGURATION, VENDOR).read_text())
        document["limits"][0]["amount"] = self.rate_per_s
        document["waits"] = {"tolerated_s": self.tolerated_s, "answer_s": self.answer_s}
        document["dispatch"] = {"pacing": "permits", "maximum_concurrency": self.maximum_concurrency}
        del document["poll"]
        return Vendor.from_document(document)

    @property
    def lasts_s(self) -> int:
        """How long calls are offered."""
        return self.over_s + self.rest_s

    def offered_us(self) -> Sequence[int]:
        """Draw when calls are offered: a Poisson process whose rate falls once."""
        random = Random(self.seed)  # noqa: S311 - repeatable, not secret
        offered: list[int] = []
        at_s = 0.0
        while True:
            share = self.overload if at_s < self.over_s else self.rest
            at_s += random.expovariate(share * self.rate_per_s)
            if at_s >= self.lasts_s:
                return offered
            offered.append(START_US + round(at_s * US_PER_S))


@dataclass(frozen=True, slots=True)
class OverloadWindow:
    """What was offered in a window, and what of it or of what waited came to the vendor for a task that waited; the
    share is of what is offered or of what the contract gives, whichever is less.
    """

    from_s: int
    offered_count: int
    useful_count: int
    share: float


@dataclass(frozen=True, slots=True)
class OverloadSeen:
    """What the vendor saw. `for_nobody_count` were sent for tasks that had ended, `twice_count` more than once;
    `dropped_count` are calls whose task had ended in the queue, and `asked_in_vain_count` those that their caller found
    so, which cost a slot each.
    """

    windows: Sequence[OverloadWindow]
    offered_count: int
    useful_count: int
    for_nobody_count: int
    twice_count: int
    violations_count: int
    dropped_count: int
    asked_in_vain_count: int
    missed_count: int
    dead_letters_count: int

    @property
    def worst_share(self) -> float:
        """The share of the window in which least came."""
        return min(window.share for window in self.windows)

    @property
    def is_good(self) -> bool:
        """Whether the contract was kept and used all the time, and nothing was sent for nobody."""
        wrong = (self.for_nobody_count, self.twice_count, self.violations_count, self.dead_letters_count)
        return self.worst_share >= LEAST_USEFUL and not any(wrong)


def measure(case: OverloadCase, progress: Callable[[int], None] = lambda _: None) -> OverloadSeen:
    """Run a case; `progress` is told how many calls the vendor has seen."""
    offered_us = case.offered_us()
    lane = VirtualLane(case.vendor, offered_us, START_US + case.lasts_s * US_PER_S, case.seed)
    lane.run(progress)
    useful_us = [sent.at_us for sent in lane.sent if sent.awaited]
    return OverloadSeen(
        windows=windows_of(case, offered_us, useful_us),
        offered_count=len(offered_us),
        useful_count=len(useful_us),
        for_nobody_count=len(lane.sent) - len(useful_us),
        twice_count=len(lane.sent) - len({sent.call_id for sent in lane.sent}),
        violations_count=violations([sent.at_us for sent in lane.sent], case.rate_per_s, US_PER_S),
        dropped_count=lane.counts[Metric.CALLS_EXPIRED],
        asked_in_vain_count=lane.counts[CallOutcome.EXPIRED],
        missed_count=lane.counts[Metric.PERMITS_MISSED],
        dead_letters_count=len(lane.queue.dead),
    )


def windows_of(case: OverloadCase, offered_us: Iterable[int], useful_us: Iterable[int]) -> Sequence[OverloadWindow]:
    """Count by windows; what is offered in one may come to the vendor in another."""
    window_us, contract_count = case.window_s * US_PER_S, case.rate_per_s * case.window_s
    offered, useful = (Counter((at_us - START_US) // window_us for at_us in times) for times in (offered_us, useful_us))
    return [
        OverloadWindow(
            index * case.window_s,
            offered[index],
            useful[index],
            round(useful[index] / max(1, min(offered[index], contract_count)), 4),
        )
        for index in range(case.lasts_s // case.window_s)
    ]


def table_of(case: OverloadCase, windows: Sequence[OverloadWindow]) -> Table:
    """Draw the windows."""
    table = Table("from minute", "offered", "useful", "share", title=f"{case.rate_per_s}/s, by {case.window_s} s")
    for window in windows:
        values = window.from_s // 60, window.offered_count, window.useful_count, f"{window.share:.3f}"
        table.add_row(*map(str, values))
    return table


@contextmanager
def showing(calls_count: int) -> Iterator[Callable[[int], None]]:
    """Show a bar on a terminal, and nothing elsewhere."""
    on = Console(stderr=True)
    with Progress(console=on, transient=True, disable=not on.is_terminal) as bar:
        task = bar.add_task("calls at the vendor", total=calls_count)
        yield lambda sent_count: bar.update(task, completed=sent_count)


def main(
    *,
    rate: Annotated[int, typer.Option(help="Calls a second that the contract sells.", min=1)] = 10,
    overload: Annotated[float, typer.Option(help="What is offered first, in contracts.", min=0.1)] = 1.25,
    over_s: Annotated[int, typer.Option(help="For so many seconds.", min=WINDOW_S)] = 3 * PER_S,
    rest_s: Annotated[int, typer.Option(help="For so many seconds 0.95 of the contract.", min=0)] = 2 * PER_S,
    tolerated_s: Annotated[int, typer.Option(help="The contract's `waits.tolerated_s`.", min=1)] = 300,
    answer_s: Annotated[int, typer.Option(help="The contract's `waits.answer_s`.", min=1)] = 900,
    concurrency: Annotated[int, typer.Option(help="Its `dispatch.maximum_concurrency`.", min=2)] = 2,
    seed: Annotated[int, typer.Option(help="Of what is offered, and of all that is random.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON, and nothing else.")] = False,
) -> None:
    """Offer more than the contract for hours, then less. Exit code 1 where in a window less than 0.95 of the smaller of
    offer and contract came to the vendor, or a call came for nobody, twice, or above the contract.
    """
    case = OverloadCase(
        rate_per_s=rate,
        tolerated_s=tolerated_s,
        answer_s=answer_s,
        overload=overload,
        over_s=over_s,
        rest_s=rest_s,
        maximum_concurrency=concurrency,
        seed=seed,
    )
    with showing(round(rate * case.lasts_s)) as show:
        seen = measure(case, show)
    figures: dict[str, Any] = asdict(seen)
    if not as_json:
        Console().print(table_of(case, seen.windows))
        del figures["windows"]
    patience_s = case.vendor.call_heartbeat_s
    figures |= {"patience_s": patience_s, "worst_share": f"{seen.worst_share:.3f}"}
    verdict = "is_good", "the contract used, and nothing for nobody", seen.is_good
    conclude(f"{overload} contracts, then {case.rest}", figures, verdict, as_json=as_json)


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
