"""The command line: `headway COMMAND`. One module per command; heavy imports wait until a command needs them."""

import sys
from typing import Annotated

import typer

from headway.commands import bucket, callback, calls, dlq, new
from headway.commands.cloud import down, up
from headway.commands.demo import demo
from headway.commands.diff import diff
from headway.commands.dispatching import drain, pause, resume
from headway.commands.graph import graph
from headway.commands.init import init
from headway.commands.plan import plan
from headway.commands.run import run
from headway.commands.simulate import simulate
from headway.commands.status import status
from headway.commands.synth import synth
from headway.commands.tune import tune
from headway.commands.validate import validate
from headway.commands.vendor import vendor
from headway.errors import Problem
from headway.terminal import say

app = typer.Typer(
    name="headway",
    help="Calls third-party asynchronous APIs through AWS Step Functions, paced to the contract that the vendor sells.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _say_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        say(version("headway"))
        raise typer.Exit


@app.callback()
def _headway(
    version: Annotated[  # by a callback, which comes before the complaint of a missing command
        bool, typer.Option("--version", help="Print the version and end.", is_eager=True, callback=_say_version)
    ] = False,
) -> None:
    pass


FIRST = (demo, init, up, diff, status, run)
OPERATING = (tune, pause, resume, drain)
OTHERS = (vendor, validate, graph, plan, simulate, down, synth)
for command in (*FIRST, *OPERATING, *OTHERS):
    app.command()(command)
app.add_typer(bucket.app)
app.add_typer(callback.app)
app.add_typer(calls.app)
app.add_typer(dlq.app)
app.add_typer(new.app)


def main() -> None:
    """Run the command line; a problem that nobody has caught is one line and its exit code."""
    try:
        app()
    except Problem as problem:
        say(f"headway: {problem}", err=True)
        sys.exit(problem.exit_code)
