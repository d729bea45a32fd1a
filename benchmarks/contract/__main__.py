"""How much of a contract is used, and how often it is broken: by sections, as the vendor saw it.

One machine, one go. In the sections through the pipeline a backlog is let go at once, and a vendor in its own process
counts on arrival: utilisation of the limit per second (the first and the last tenth of the calls left out), the worst
window, violations. Jobs take longer than the submits, so that two cores have not to work on callbacks meanwhile, unless
the section is about that. Other sections are simulated.
"""

import json
from dataclasses import asdict
from functools import partial
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.contract import sections
from benchmarks.contract.measuring import Bench

WIDTH = 150


def main(
    *,
    section: Annotated[
        list[str] | None,
        typer.Option(help=f"What to measure; may be repeated. All unless given: {', '.join(sections.SECTIONS)}."),
    ] = None,
    rate: Annotated[list[int] | None, typer.Option(help="Contract in calls/s; may be repeated, for `rate`.")] = None,
    runs: Annotated[int, typer.Option(help="Runs of each setting.", min=1)] = 5,
    headroom_ms: Annotated[int | None, typer.Option(help="Headroom; learned unless given.", min=1)] = None,
    job_time_s: Annotated[float, typer.Option(help="Seconds from a submit to its callback.", min=0)] = 16.0,
    permits_only: Annotated[bool, typer.Option("--permits-only", help="Leave out ceiling and plain way.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print all figures as JSON, and nothing else.")] = False,
) -> None:
    """Print utilisation, worst window and violations of each way, as the vendor saw them.

    All of it takes more than an hour on two cores; close other programs, or
    it measures those.

    For example:

        python -m benchmarks.contract --section rate --rate 20 --permits-only --runs 2

        python -m benchmarks.contract --section jitter --section hot
    """
    chosen = section or list(sections.SECTIONS)
    if unknown := [name for name in chosen if name not in sections.SECTIONS]:
        raise typer.BadParameter(f"{unknown[0]} is none; known: {', '.join(sections.SECTIONS)}", param_hint="--section")
    bench = Bench(runs, headroom_ms, job_time_s, Console(stderr=as_json, highlight=False, width=WIDTH))
    rated = partial(sections.rate, rates=tuple(rate or sections.RATES), plain=not permits_only)
    for name in chosen:
        (rated if name == "rate" else sections.SECTIONS[name])(bench)
    if as_json:
        typer.echo(json.dumps([asdict(measured) for measured in bench.measured], indent=2))


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
