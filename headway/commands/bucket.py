"""The `bucket` commands: files into the buckets of a project, and out of them."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headway.commands.options import AsJson, Profile, Region, Stage, StateDir, Target
from headway.deployment.target_name import TargetName
from headway.terminal import say

if TYPE_CHECKING:
    from headway.deployment.connection import Connection

app = typer.Typer(
    name="bucket",
    help="Files into the buckets of a project, and out of them, on the embedded cloud as on AWS.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Bucket = Annotated[
    str | None, typer.Option(help="Which of the project's; the only one unless given.", show_default=False)
]


@app.command()
def put(
    file: Annotated[Path, typer.Argument(help="The file.")],
    *,
    bucket: Bucket = None,
    key: Annotated[str | None, typer.Option(help="Its key; the file's name unless given.", show_default=False)] = None,
    as_json: AsJson = False,
    target: Target = TargetName.LOCAL,
    profile: Profile = None,
    region: Region = None,
    stage: Stage = None,
    state_dir: StateDir,
) -> None:
    """Copy a file of any size into a bucket.

    For example:

        headway bucket put notes.jsonl

        headway bucket put notes.jsonl --bucket files --key 2026/notes.jsonl --target aws

    Exit codes: 0 it is there, 2 there is no such file or bucket.
    """
    from headway.operations import buckets

    stored = buckets.put(_connected(target, profile, region, stage, state_dir), file, bucket=bucket, key=key)
    say(json.dumps({"key": stored}) if as_json else stored)


@app.command()
def get(
    key: Annotated[str, typer.Argument(help="The key.")],
    *,
    bucket: Bucket = None,
    output: Annotated[
        Path | None, typer.Option(help="Where to write it; standard output unless given.", show_default=False)
    ] = None,
    target: Target = TargetName.LOCAL,
    profile: Profile = None,
    region: Region = None,
    stage: Stage = None,
    state_dir: StateDir,
) -> None:
    """Read what is in a bucket under a key.

    For example:

        headway bucket get results/night/SUCCEEDED_0.jsonl --output results.jsonl

    Exit codes: 0 it is written, 2 there is no such key or bucket.
    """
    from headway.operations import buckets

    connection = _connected(target, profile, region, stage, state_dir)
    if output is None:
        buckets.get(connection, key, sys.stdout.buffer.write, bucket=bucket)
        return
    with output.open("wb") as file:
        buckets.get(connection, key, file.write, bucket=bucket)


def _connected(
    target: TargetName, profile: str | None, region: str | None, stage: str | None, state_dir: Path
) -> "Connection":
    from headway.deployment.connection import connect

    return connect(target, profile=profile, region=region, state_dir=state_dir, stage=stage)
