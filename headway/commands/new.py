"""The `new` commands: files of a project that begin from something that works."""

import json
from pathlib import Path
from typing import Annotated

import typer

from headway.commands.options import AsJson, ConfigDir
from headway.terminal import say

app = typer.Typer(
    name="new", help="For a project: begin a file from one that works.", no_args_is_help=True, rich_markup_mode=None
)


@app.callback()
def _new() -> None:
    pass


@app.command()
def vendor(
    *,
    name: Annotated[str, typer.Argument(help="The vendor's name, and its file's.")],
    preset: Annotated[str, typer.Option(help="What its API is like; `generic` or a vendor's own.")] = "generic",
    config_dir: ConfigDir = None,
    as_json: AsJson = False,
) -> None:
    """Write a contract file into the project, from a preset.

    Limits, waits and paths are what to check in it: an account may have
    others. Nothing that is there is written over.

    Exit codes: 0 it is written, 2 it is there already, or there is no such preset.

    For example:

        headway new vendor acme

        headway new vendor video --preset mux
    """
    from headway.deployment.presets import write
    from headway.deployment.projects import project_here

    path: Path = write(name, preset, project_here(config_dir).configuration)
    if as_json:
        typer.echo(json.dumps({"file": str(path), "preset": preset}, indent=2))
        return
    say(f"{path}: from the preset {preset}")
    say("Next: check it, then `headway validate` and `headway up`.")
