"""The `validate` command: whether contract files can be used, before anything is deployed."""

import json
from pathlib import Path
from typing import Annotated

import typer


def validate(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Contract files; all of the configuration unless given.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    config_dir: Annotated[Path, typer.Option(help="Where the schemas, contract and tuning files are.")] = Path(
        "config/appconfig"
    ),
) -> None:
    """Check contract files as synth and AppConfig would.

    Each file is checked by the schema and for what contradicts itself. What
    is wrong is one line with the file, the field and the mend.

    Exit codes: 0 all can be used, 2 one cannot.

    For example:

        headway validate

        headway validate config/appconfig/presets/mux.yaml
    """
    from headway_cdk.configuration import ConfigurationError, load_contract, load_vendors

    found: dict[str, str | None] = {}
    paths = files or sorted((config_dir / "vendors").glob("*.yaml"))
    for path in paths:
        try:
            load_contract(config_dir, path)
        except ConfigurationError as error:
            found[str(path)] = str(error)
        else:
            found[str(path)] = None
    if not files and not any(found.values()):
        try:
            load_vendors(config_dir)  # tunings too
        except ConfigurationError as error:
            found[str(config_dir)] = str(error)
    if as_json:
        typer.echo(json.dumps([{"file": name, "problem": problem} for name, problem in found.items()], indent=2))
    else:
        for name, problem in found.items():
            typer.echo(problem or f"{name}: can be used", err=problem is not None)
    if any(found.values()):
        raise typer.Exit(2)
