"""The `new` commands: files of a project that begin from something that works."""

import json
from collections.abc import Sequence
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
    """Write a contract file into the project, from a preset, with examples of
    what the vendor says, their test, and lines to run.

    Limits, waits and paths are what to check in it: an account may have
    others. Nothing that is there is written over. With --config-dir it is the
    contract file alone.

    Exit codes: 0 it is written, 2 something is there already, the name is
    none, or there is no such preset.

    For example:

        headway new vendor acme

        headway new vendor video --preset mux
    """
    from headway.deployment.beginnings import begin_vendor
    from headway.deployment.projects import project_here

    files = begin_vendor(project_here(config_dir), name, preset, contract_only=config_dir is not None)
    _say(files, {"vendor": files[0].stem, "preset": preset}, as_json=as_json)
    if not as_json:
        say("Next: check the contract, then `headway validate`, `pytest` and `headway up`.")


@app.command()
def workflow(
    *,
    name: Annotated[str, typer.Argument(help="The workflow's name, and its file's.")],
    vendor: Annotated[
        str | None,
        typer.Option(
            help="Whom it calls; the project's only vendor, or the one that NAME begins with, unless given.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a machine into the project that asks a vendor and ends with its
    result, with its test and lines to run.

    Nothing that is there is written over.

    Exit codes: 0 it is written, 2 something is there already, the name is
    none, or the vendor is not clear.

    For example:

        headway new workflow acme_order

        headway new workflow order_pictures --vendor replicate
    """
    from headway.deployment.beginnings import begin_workflow
    from headway.deployment.projects import project_here

    files = begin_workflow(project_here(), name, vendor)
    began = files[0].name.partition(".")[0]
    _say(files, {"workflow": began}, as_json=as_json)
    if not as_json:
        run = f"headway run {began} --input {_here(files[2])}"
        say(f"Next: `headway validate` and `pytest`, then `headway up` and `{run}`.")


def _say(files: Sequence[Path], about: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({**about, "file": str(files[0]), "files": [str(path) for path in files]}, indent=2))
        return
    for path in files:
        say(str(_here(path)))


def _here(path: Path) -> Path:
    """Return a path as it is typed in this folder."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
