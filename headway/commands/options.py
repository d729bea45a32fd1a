"""Options that several commands have, each said once: what it is called, and what the help says of it."""

from pathlib import Path
from typing import Annotated

import typer

from headway.deployment.target_name import TargetName

StateDir = Annotated[Path, typer.Option(help="State of the embedded cloud, and keys of the simulated vendors.")]
ConfigDir = Annotated[
    Path,
    typer.Option(help="Schemas, contract and tuning files; this repository's unless given.", show_default=False),
]
Target = Annotated[TargetName, typer.Option(help="The embedded cloud, or AWS.")]
Profile = Annotated[str | None, typer.Option(help="AWS profile.")]
Region = Annotated[str | None, typer.Option(help="AWS region.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
