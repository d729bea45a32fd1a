"""The command line: `headway COMMAND`. One module per command; heavy imports wait until a command needs them."""

import sys
from typing import Annotated

import typer

from headway.commands import callback, inbox
from headway.commands.cloud import down, up
from headway.commands.demo import demo
from headway.commands.plan import plan
from headway.commands.run import run
from headway.commands.simulate import simulate
from headway.commands.status import status
from headway.commands.synth import synth
from headway.commands.validate import validate
from headway.commands.vendor import vendor
from headway.errors import UsageProblem

app = typer.Typer(
    name="headway",
    help="Calls third-party asynchronous APIs through AWS Step Functions, paced to the contract that the vendor sells.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def _headway(
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.", is_eager=True)] = False,
) -> None:
    if version:
        from importlib.metadata import version as version_of

        typer.echo(version_of("headway"))
        raise typer.Exit


for command in (demo, up, status, run, vendor, validate, plan, simulate, down, synth):
    app.command()(command)
app.add_typer(callback.app)
app.add_typer(inbox.app)


def main() -> None:
    """Run the command line; a problem of the user's is one line and exit code 2."""
    try:
        app()
    except UsageProblem as problem:
        sys.exit(_say(str(problem)))


def _say(message: str) -> int:
    typer.echo(f"headway: {message}", err=True)
    return 2
