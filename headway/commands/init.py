"""The `init` command: a project of one's own."""

import json
from pathlib import Path
from typing import Annotated

import typer

from headway.commands.options import AsJson
from headway.terminal import say


def init(
    name: Annotated[str, typer.Argument(help="Name of the project, and of its new folder.")],
    directory: Annotated[Path, typer.Option(help="Where the folder is made.")] = Path(),
    as_json: AsJson = False,
) -> None:
    """Write a project that works: one vendor, one machine that calls it, one function, their tests.

    Exit codes: 0 it is written, 2 something is there already, or the name is none.

    For example:

        headway init shop

        headway init shop --directory ~/projects
    """
    from headway.deployment.scaffold import write

    files = write(name, directory)
    if as_json:
        typer.echo(json.dumps({"project": str(directory / name), "files": [str(file) for file in files]}, indent=2))
        return
    say(f"{directory / name}: {len(files)} files")
    say(f"Next: cd {directory / name} && headway up (README.md says what follows)")
