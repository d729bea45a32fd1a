"""The `validate` command: whether contract files can be used, before anything is deployed."""

import json
from pathlib import Path
from typing import Annotated

import typer
from headway_cdk.resources import CONFIGURATION

from headway.commands.options import AsJson, ConfigDir


def validate(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Contract files; all of the configuration unless given.")
    ] = None,
    as_json: AsJson = False,
    config_dir: ConfigDir = CONFIGURATION,
) -> None:
    """Check contract files as synth and AppConfig would.

    Each file is checked by the schema and for what contradicts itself. What
    is wrong is one line with the file, the field and the correction.

    Exit codes: 0 all can be used, 2 one cannot.

    For example:

        headway validate

        headway validate config/appconfig/presets/mux.yaml
    """
    from headway.deployment.contracts import problems_of

    found = problems_of(config_dir, files or [])
    if as_json:
        typer.echo(json.dumps([{"file": name, "problem": problem} for name, problem in found.items()], indent=2))
    else:
        for name, problem in found.items():
            typer.echo(problem or f"{name}: can be used", err=problem is not None)
    if any(found.values()):
        raise typer.Exit(2)
