"""Options that several commands have, each said once: what it is called, and what the help says of it."""

from pathlib import Path
from typing import Annotated

import typer

from headway.deployment.projects import state_dir_here
from headway.deployment.target_name import TargetName

StateDir = Annotated[
    Path,
    typer.Option(
        help="State of the embedded cloud, and keys of the simulated vendors; the project's unless given.",
        default_factory=state_dir_here,
        show_default=False,
    ),
]
ConfigDir = Annotated[
    Path | None,
    typer.Option(help="A folder of contract and tuning files, in the place of the project's.", show_default=False),
]
Stage = Annotated[str | None, typer.Option(help="The stage; the project's own unless given.", show_default=False)]
Target = Annotated[TargetName, typer.Option(help="The embedded cloud, or AWS.")]
Profile = Annotated[str | None, typer.Option(help="AWS profile.")]
Region = Annotated[str | None, typer.Option(help="AWS region.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
