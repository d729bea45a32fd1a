"""The `up` and `down` commands: the embedded cloud with a project's stage on it."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from headway.commands.options import ConfigDir, Stage, StateDir
from headway.errors import UsageProblem
from headway.terminal import console, say, spinning


def up(
    *,
    port: Annotated[int | None, typer.Option(help="Port on 127.0.0.1; a free one unless given.", max=65535)] = None,
    vendor_url: Annotated[
        list[str] | None, typer.Option(help="VENDOR=URL: where a vendor is; the simulator's default unless given.")
    ] = None,
    lenient: Annotated[
        str | None,
        typer.Option(help="Refusals of AWS that the cloud shall not make, with commas between them, or `all`."),
    ] = None,
    only: Annotated[str | None, typer.Option(help="Deploy this vendor alone.", metavar="VENDOR")] = None,
    config_dir: ConfigDir = None,
    stage: Stage = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what is deployed as JSON.")] = False,
    state_dir: StateDir,
) -> None:
    """Start the embedded cloud and deploy the stacks that AWS would get.

    It may be run again after a change: only what has changed is deployed, and
    the stacks of a vendor whose file is gone are removed.
    Every vendor is expected at http://127.0.0.1:9100, where `headway vendor`
    listens, so that no real vendor is called by accident.

    For example:

        headway up

        headway up --port 4566 --vendor-url replicate=http://127.0.0.1:9200

        headway up --only replicate

        headway up --lenient iam
    """
    from headway.deployment import local
    from headway.deployment.projects import project_here

    urls = _vendor_urls(vendor_url or [])
    with spinning(console(stderr=True), "starting") as show:
        deployed = local.up(
            project_here(config_dir, stage),
            urls,
            state_dir=state_dir,
            port=port,
            only=only,
            lenient=lenient,
            progress=show,
        )
    if as_json:
        document = {"endpoint_url": deployed.endpoint_url, "stage": asdict(deployed.stage)}
        typer.echo(json.dumps(document, indent=2))
        return
    out = console()
    out.print(f"The embedded cloud listens at {deployed.endpoint_url}.")
    for workflow in deployed.stage.workflow_names:
        out.print(f"Deployed: {workflow} for {', '.join(deployed.stage.machines(workflow))}.")
    out.print("Next: `headway vendor` in another terminal, then `headway run WORKFLOW --input FILE.jsonl`.")


def down(state_dir: StateDir) -> None:
    """Stop the embedded cloud and remove all that it held."""
    from headway.deployment import local

    stopped = local.down(state_dir)
    say("The embedded cloud is stopped." if stopped else "No embedded cloud was running.")


def _vendor_urls(pairs: list[str]) -> dict[str, str]:
    urls = dict(pair.partition("=")[::2] for pair in pairs)
    for vendor, url in urls.items():
        if not url.startswith(("http://", "https://")):
            raise UsageProblem(
                f"--vendor-url {vendor}={url}: write VENDOR=URL, such as replicate=http://127.0.0.1:9200"
            )
    return urls
