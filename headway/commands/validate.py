"""The `validate` command: whether contract files can be used, before anything is deployed."""

import json
from pathlib import Path
from typing import Annotated

import typer

from headway.commands.options import AsJson, ConfigDir
from headway.terminal import say


def validate(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Contract files; all of the project unless given.", show_default=False)
    ] = None,
    as_json: AsJson = False,
    config_dir: ConfigDir = None,
) -> None:
    """Check contract files as synth and AppConfig would, and a project's machines.

    Contract files are checked by the schema and for what contradicts itself,
    machines for placeholders that stand for nothing and calls that nothing
    grants. What is wrong is one line with the file, the field and the
    correction.

    Exit codes: 0 all can be used, 2 one cannot.

    For example:

        headway validate

        headway validate config/appconfig/presets/mux.yaml
    """
    from headway.deployment.contracts import files_problems, project_problems
    from headway.deployment.projects import project_here

    found = files_problems(files) if files else project_problems(project_here(config_dir))
    if as_json:
        typer.echo(json.dumps([{"file": name, "problem": problem} for name, problem in found.items()], indent=2))
    else:
        for name, problem in found.items():
            say(problem or f"{name}: can be used", err=problem is not None)
    if any(found.values()):
        raise typer.Exit(2)
