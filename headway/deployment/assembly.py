"""A synthesized CDK assembly: its stacks, and which of them need which."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_STACK: Final = "aws:cloudformation:stack"


@dataclass(frozen=True, slots=True)
class Artifact:
    """One stack of an assembly; `needs` are the artifact IDs of the stacks that have to be there before it."""

    artifact_id: str
    stack_name: str
    template_path: Path
    assets_path: Path
    needs: tuple[str, ...]


def stacks(assembly: Path) -> list[Artifact]:
    """Return the stacks of an assembly in the order of its manifest."""
    artifacts = json.loads((assembly / "manifest.json").read_text())["artifacts"]
    return [
        Artifact(
            artifact_id=artifact_id,
            stack_name=artifact["properties"].get("stackName", artifact_id),
            template_path=assembly / artifact["properties"]["templateFile"],
            assets_path=assembly / f"{artifact_id}.assets.json",
            needs=tuple(one for one in artifact.get("dependencies", []) if artifacts[one]["type"] == _STACK),
        )
        for artifact_id, artifact in artifacts.items()
        if artifact["type"] == _STACK
    ]
