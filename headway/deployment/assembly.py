"""A synthesized CDK assembly: its stacks, which of them need which, and where their resources stand in the code."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from headway_cdk.names import base_stack, lane_stack, state_stack

from headway.errors import UsageProblem

_STACK: Final = "aws:cloudformation:stack"
_LOGICAL_ID: Final = "aws:cdk:logicalId"


@dataclass(frozen=True, slots=True)
class Artifact:
    """One stack of an assembly; `needs` are the artifact IDs of the stacks that have to be there before it."""

    artifact_id: str
    stack_name: str
    template_path: Path
    assets_path: Path
    needs: tuple[str, ...]

    @property
    def paths(self) -> Mapping[str, str]:
        """Return the path of every resource among the constructs, by its logical ID; empty where none are written."""
        metadata = self.template_path.with_name(f"{self.artifact_id}.metadata.json")
        if not metadata.is_file():
            return {}
        told = json.loads(metadata.read_text())
        return {
            entry["data"]: path for path, entries in told.items() for entry in entries if entry["type"] == _LOGICAL_ID
        }


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


def of_vendor(artifacts: Sequence[Artifact], stage: str, vendor: str) -> Sequence[Artifact]:
    """Choose the stacks of a vendor, and what they need; UsageProblem where the vendor has none."""
    lane, state = lane_stack(stage, vendor), state_stack(stage, vendor)
    found = [artifact for artifact in artifacts if artifact.stack_name in {base_stack(stage), state, lane}]
    if all(artifact.stack_name != lane for artifact in found):
        there = ", ".join(artifact.stack_name for artifact in artifacts)
        raise UsageProblem(f"no vendor {vendor} in stage {stage}: its stacks are {there}")
    return found
