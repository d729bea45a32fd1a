"""The `simulate` command: the limiter's own decisions on a virtual clock, judged at the vendor's door."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from headway_lane.contract.tuning import AUTO

from headway.commands.options import AsJson
from headway.errors import UsageProblem
from headway.simulation.spread import LARGEST_COUNT, Shape
from headway.terminal import console

if TYPE_CHECKING:
    from headway_lane.contract.limits import Limit
    from rich.console import Console

CALLS_COUNT = 1_000_000


def simulate(
    *,
    limit: Annotated[
        list[str] | None,
        typer.Option("--limit", "--rate", help="CALLS/SECONDS; all that are given hold. 20/1 unless given."),
    ] = None,
    calls: Annotated[int | None, typer.Option(help="Calls, of all vendors; 1,000,000 unless given.", min=1)] = None,
    backlog: Annotated[int | None, typer.Option(help="Say how long so many waiting calls take.", min=1)] = None,
    vendors: Annotated[int, typer.Option(help="Vendors with this contract, each with a budget of its own.", min=1)] = 1,
    dispatchers: Annotated[int, typer.Option(help="Dispatchers of each vendor, each with its clock.", min=1)] = 50,
    batch: Annotated[int, typer.Option(help="Messages that a dispatcher takes at once.", min=1, max=10_000)] = 10,
    jitter_ms: Annotated[float, typer.Option(help="From the slot to the vendor's door, at most.", min=0)] = 100,
    doubled_after: Annotated[
        int, typer.Option(help="From so many calls on the jitter is twice as large.", min=1)
    ] = LARGEST_COUNT,
    jitter_shape: Annotated[Shape, typer.Option(help="uniform or exponential (mean: a third).")] = Shape.UNIFORM,
    skew_ms: Annotated[float, typer.Option(help="Between any two clocks, at most.", min=0)] = 50,
    headroom_ms: Annotated[
        str | None,
        typer.Option(help="What the limiter allows for, or auto: learned. Jitter + skew, or 1.5 x skew if more."),
    ] = None,
    write_ms: Annotated[
        float, typer.Option(help="From reading the reservations to writing them, on average.", min=0)
    ] = 5,
    start_ms: Annotated[float, typer.Option(help="Until a started caller runs, on average (exponential).", min=0)] = 60,
    answer_ms: Annotated[float, typer.Option(help="The vendor's time to answer.", min=0)] = 0,
    answer_shape: Annotated[Shape, typer.Option(help="fixed, or exponential with that mean.")] = Shape.FIXED,
    floors: Annotated[bool, typer.Option(help="Keep later calls away from one answered late.")] = True,
    crash_ratio: Annotated[
        float, typer.Option(help="Share of reservations whose dispatcher dies before all are sent.", min=0, max=0.99)
    ] = 0,
    duplicate_ratio: Annotated[float, typer.Option(help="Share of messages seen before.", min=0, max=0.99)] = 0,
    stray_ratio: Annotated[float, typer.Option(help="Share of calls that break the jitter.", min=0, max=0.99)] = 0,
    stray_ms: Annotated[float, typer.Option(help="By how much they do, at most.", min=0)] = 500,
    seed: Annotated[int, typer.Option(help="Equal seeds give equal runs.")] = 0,
    as_json: AsJson = False,
    plot: Annotated[Path | None, typer.Option(help="Draw the first vendor's calls: FILE.html or FILE.svg.")] = None,
) -> None:
    """Try a contract on the limiter's own code and a virtual clock: hours of calls in seconds.

    Dispatchers race for the reservations, clocks differ, calls are late. The vendor
    counts every half-open window of every limit in true time.

    For example:

        headway simulate

        headway simulate --limit 20/1 --limit 300/60 --backlog 5000

        headway simulate --vendors 1000 --limit 10/1 --calls 100000

        headway simulate --dispatchers 5 --jitter-ms 60 --skew-ms 1 --headroom-ms auto --answer-ms 300

        headway simulate --calls 20000 --headroom-ms 15 --stray-ratio 0.01 --plot plot.html

    Exit codes: 0 no window was above its limit, 1 some were, 2 a wrong option.
    """
    from headway.simulation import engine, report
    from headway.simulation.settings import Settings

    if calls and backlog:
        raise UsageProblem("--calls and --backlog both say how many calls; give one of the two")
    if plot:
        _check(plot)
    jitter_us, skew_us = _us(jitter_ms), _us(skew_ms)
    try:
        settings = Settings(
            limits=tuple(map(_limit, limit or ["20/1"])),
            calls_count=calls or backlog or CALLS_COUNT,
            vendors_count=vendors,
            dispatchers_count=dispatchers,
            batch_size=batch,
            jitter_us=jitter_us,
            jitter_shape=jitter_shape,
            skew_us=skew_us,
            doubled_after_count=doubled_after,
            headroom_us=_headroom_us(jitter_us, skew_us, headroom_ms),
            write_us=_us(write_ms),
            start_us=_us(start_ms),
            answer_us=_us(answer_ms),
            answer_shape=answer_shape,
            answers_prove_arrival=None if floors and headroom_ms == AUTO else floors,
            crash_ratio=crash_ratio,
            duplicate_ratio=duplicate_ratio,
            stray_ratio=stray_ratio,
            stray_us=_us(stray_ms),
            seed=seed,
        )
    except ValueError as error:
        raise UsageProblem(str(error)) from error
    start_s = time.perf_counter()
    with _showing(console(stderr=True), settings.calls_count) as show:
        outcome = engine.simulate(settings, show)
    wall_s = time.perf_counter() - start_s
    if plot:
        from headway.simulation import picture

        picture.write(outcome, report.title(settings), plot)
    if as_json:
        typer.echo(json.dumps({**outcome.as_json(), "wall_s": round(wall_s, 3)}, indent=2))
    else:
        out = console()
        if backlog:
            out.print(report.backlog(outcome))
        out.print(report.table(settings, outcome, wall_s))
        if plot:
            out.print(f"plot  {plot}", soft_wrap=True)
    raise typer.Exit(1 if outcome.violation_count else 0)


def _limit(text: str) -> "Limit":
    from headway_lane.contract.limits import LEAST_WINDOW_S, Limit, Scope

    from headway.simulator.rate import Rate

    try:
        parsed = Rate.parse(text)
    except ValueError as error:
        raise UsageProblem(f"--limit: {error}") from None
    if parsed.per_s < LEAST_WINDOW_S:
        raise UsageProblem(f"--limit {text}: no contract may have a window below {LEAST_WINDOW_S:g} s")
    return Limit(parsed.amount, parsed.per_s, Scope.SUBMIT)


def _headroom_us(jitter_us: int, skew_us: int, text: str | None) -> int | None:
    """Return the headroom that is asked for, or the least for jitter and skew, None for one that is learned.
    UsageProblem where no tuning has it.
    """
    from headway_lane.contract.fences import HEADROOM_LIMIT_MS

    from headway.simulation.settings import headroom_for

    if text == AUTO:
        return None
    try:
        headroom_us = headroom_for(jitter_us, skew_us) if text is None else _us(float(text))
    except ValueError as error:
        raise UsageProblem(f"--headroom-ms {text} is no time; give milliseconds, or {AUTO}") from error
    if headroom_us > _us(HEADROOM_LIMIT_MS):
        raise UsageProblem(
            f"a headroom of {headroom_us / 1_000:g} ms is longer than a tuning may set; give less jitter and skew, or"
            f" --headroom-ms {HEADROOM_LIMIT_MS} at most"
        )
    return headroom_us


def _check(plot: Path) -> None:
    """Refuse a file that could not be written before the time is spent."""
    if plot.suffix not in (".html", ".svg"):
        raise UsageProblem(f"--plot {plot}: write FILE.html or FILE.svg")
    if not plot.absolute().parent.is_dir():
        raise UsageProblem(f"--plot {plot}: there is no folder {plot.parent}")


def _us(time_ms: float) -> int:
    return round(time_ms * 1_000)


@contextmanager
def _showing(on: "Console", calls_count: int) -> Iterator[Callable[[int], None]]:
    """Show a bar on a terminal, and nothing elsewhere."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=on, transient=True, disable=not on.is_terminal) as bar:
        task = bar.add_task("", total=calls_count)
        yield lambda arrived_count: bar.update(task, completed=arrived_count)
