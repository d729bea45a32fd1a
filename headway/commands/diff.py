"""The `diff` command: what a deployment would create, change, replace and remove."""

import json
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from headway.commands.options import AsJson, ConfigDir, Profile, Region, Stage, StateDir, Target
from headway.deployment.places import ASSEMBLY_FOLDER
from headway.deployment.target_name import TargetName
from headway.terminal import console, say, spinning

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from headway.deployment.changes import ResourceChange, StackChange

WOULD_CHANGE = 1
"""Exit code where a deployment would do something."""
INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it: 1 means something here."""
WIDTH_OF_FILES = 160
"""Columns where the output is no terminal: paths are long."""


def diff(
    *,
    only: Annotated[
        str | None, typer.Option(help="Look at this vendor alone.", metavar="VENDOR", show_default=False)
    ] = None,
    target: Target = TargetName.LOCAL,
    profile: Profile = None,
    region: Region = None,
    config_dir: ConfigDir = None,
    stage: Stage = None,
    as_json: AsJson = False,
    state_dir: StateDir,
) -> None:
    """Show what a deployment would create, change, replace and remove.

    CloudFormation is asked by change sets, which are deleted again: nothing is
    deployed, and nothing is left behind. What would be replaced or removed is
    deleted with all that it holds, unless it says `kept`. Parameters keep the
    values that they have, such as `--vendor-url` of `headway up`. Of a changed
    contract it says what is needed before: nothing, `pause` or `drain`.

    Exit codes: 0 nothing would change, 1 something would, 2 it cannot be said.

    For example:

        headway diff

        headway diff --only replicate

        headway diff --target aws --stage prod --json | jq '.stacks[].effect'
    """
    from headway.deployment import assembly as assemblies
    from headway.deployment import synthesis
    from headway.deployment.connection import reach
    from headway.deployment.difference import difference
    from headway.deployment.projects import project_here
    from headway.operations import contract_changes

    project = project_here(config_dir, stage)
    cloud, _ = reach(target, profile=profile, region=region, state_dir=state_dir)
    try:
        with spinning(console(stderr=True), "synthesizing") as show_phrase:
            artifacts = assemblies.stacks(synthesis.synthesize(state_dir / ASSEMBLY_FOLDER, project))
            show_phrase("asking CloudFormation")
            found = difference(cloud, target, project.stage, artifacts, only=only)
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    would_change = any(change.is_change for change in found)
    needs = contract_changes.needs_before(target, cloud, project) if would_change else []
    if as_json:
        document = {
            "stage": project.stage,
            "target": target,
            "would_change": would_change,
            "contracts": [asdict(need) for need in needs],
        }
        typer.echo(json.dumps({**document, "stacks": [_as_json(change) for change in found]}, indent=2))
    else:
        show(found)
        for need in needs:
            say(str(need))
    if would_change:
        raise typer.Exit(WOULD_CHANGE)


def show(found: "Sequence[StackChange]") -> None:
    """Print one line for each stack, below it what happens to its resources, and a verdict."""
    from rich.text import Text

    from headway.deployment.changes import Effect

    out = console()
    if not out.is_terminal:
        out.width = WIDTH_OF_FILES
    for change in found:
        said = f": {change.effect}{_counted(change)}" + (f" ({change.note})" if change.note else "")
        out.print(Text.assemble((change.name, "bold"), said), soft_wrap=True)
        if change.after:
            out.print(f"  looks again at what {', '.join(change.after)} gives it", soft_wrap=True)
        if change.resources and change.effect is not Effect.CREATE:
            out.print(resources_table(change.resources))
    changing = sum(change.is_change for change in found)
    if not changing:
        out.print("Nothing would change.")
        return
    total = Counter(resource.effect for change in found for resource in change.resources)
    gone = ", ".join(f"{total[effect]} {effect}" for effect in (Effect.REPLACE, Effect.MAY_REPLACE, Effect.REMOVE))
    out.print(f"{changing} of {len(found)} stacks would change; resources: {gone}.", soft_wrap=True)


def resources_table(resources: "Sequence[ResourceChange]") -> "Table":
    """Lay out what happens to resources, the most first; what replaces or removes stands out."""
    from rich.table import Table

    from headway.deployment.changes import Effect

    styles = {Effect.REPLACE: "bold red", Effect.REMOVE: "bold red", Effect.MAY_REPLACE: "yellow"}
    order = list(Effect)
    table = Table(box=None)
    for heading in ("", "resource", "type", "because of", "the old one"):
        table.add_column(heading, overflow="fold")  # a path that is cut names nothing
    for one in sorted(resources, key=lambda one: (-order.index(one.effect), one.path)):
        goes = one.effect in styles
        old = ("kept" if one.is_retained else "deleted") if goes else ""
        because = ", ".join(one.because)
        kind = one.type.removeprefix("AWS::")
        table.add_row(str(one.effect), one.path, kind, because, old, style=styles.get(one.effect))
    return table


def _counted(change: "StackChange") -> str:
    """Say how many resources have which effect."""
    counts = Counter(resource.effect for resource in change.resources)
    said = ", ".join(f"{count} {effect}" for effect, count in counts.items())
    return f"; resources: {said}" if said else ""


def _as_json(change: "StackChange") -> dict[str, object]:
    return {
        "stack": change.name,
        "effect": change.effect,
        "note": change.note,
        "after": change.after,
        "resources": [asdict(resource) for resource in change.resources],
    }
