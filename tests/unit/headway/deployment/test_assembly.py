"""Reading a cloud assembly: which stacks there are, and what each needs."""

import json
from pathlib import Path

from headway.deployment.assembly import Artifact, stacks


def test_stacks_are_read_with_their_files_and_need_those_stacks_that_they_depend_on(tmp_path: Path) -> None:
    stack = "aws:cloudformation:stack"
    artifacts = {
        "Tree": {"type": "cdk:tree", "properties": {"file": "tree.json"}},
        "acme-lane": {
            "type": stack,
            "properties": {"templateFile": "acme-lane.template.json", "stackName": "Headway-dev-acme-lane"},
            "dependencies": ["acme-state", "acme-lane.assets"],
        },
        "acme-lane.assets": {"type": "cdk:asset-manifest", "properties": {"file": "acme-lane.assets.json"}},
        "acme-state": {"type": stack, "properties": {"templateFile": "acme-state.template.json"}},
    }
    (tmp_path / "manifest.json").write_text(json.dumps({"version": "48.0.0", "artifacts": artifacts}))
    assert stacks(tmp_path) == [
        Artifact(
            "acme-lane",
            "Headway-dev-acme-lane",
            tmp_path / "acme-lane.template.json",
            tmp_path / "acme-lane.assets.json",
            ("acme-state",),
        ),
        Artifact(
            "acme-state",
            "acme-state",
            tmp_path / "acme-state.template.json",
            tmp_path / "acme-state.assets.json",
            (),
        ),
    ]
