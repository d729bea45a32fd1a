"""Files of state machines, by the names that a person gives them: a path, a workflow of the project, or one of ours."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from headway_cdk.project import WORKFLOW_ENDING
from headway_cdk.resources import WORKFLOWS

from headway.errors import UsageProblem

YAML_ENDINGS = (".yaml", ".yml")


def workflow_file(name: str, own: Path | None) -> Path:
    """Return the file of a workflow; `own` is the project's folder of workflows. UsageProblem where there is none."""
    given = Path(name)
    if given.suffix and given.is_file():
        return given
    folders = [folder for folder in (own, WORKFLOWS) if folder]
    for folder in folders:
        if (found := folder / f"{name}{WORKFLOW_ENDING}").is_file() and "/" not in name:
            return found
    known = {path.name.removesuffix(WORKFLOW_ENDING) for each in folders for path in each.glob(f"*{WORKFLOW_ENDING}")}
    raise UsageProblem(f"{name}: no such file, and no workflow of that name; there is {', '.join(sorted(known))}")


def read_workflow(path: Path) -> Mapping[str, Any]:
    """Read a definition in JSON or YAML, `${Placeholders}` and all. UsageProblem where it is neither."""
    try:
        text = path.read_text()
        document = yaml.safe_load(text) if path.suffix in YAML_ENDINGS else json.loads(text)
    except (ValueError, yaml.YAMLError) as error:
        kind = "YAML" if path.suffix in YAML_ENDINGS else "JSON"
        raise UsageProblem(f"{path}: not {kind}: {' '.join(str(error).split())}") from error
    if not isinstance(document, Mapping):
        raise UsageProblem(f"{path}: no object; a state machine has `StartAt` and `States`")
    return document
