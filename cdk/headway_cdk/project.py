"""A project of somebody's own: a folder whose `pyproject.toml` has a table `[tool.headway]`, and what lies in it."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from headway_cdk.configuration import ConfigurationError, broken_rule, checked_stage
from headway_cdk.names import workflow_name
from headway_cdk.placeholders import RESOURCE_PLACEHOLDERS, SETTING_NAME, ResourceKind
from headway_cdk.resources import CONFIGURATION_FOLDER, STATE_FOLDER
from headway_cdk.stages import DEFAULT_STAGE, STAGE_PATTERN

FILE: Final = "pyproject.toml"
NAME: Final = r"^[a-z][a-z0-9-]{0,30}$"
"""Of projects, as of vendors."""
WORKFLOW_ENDING: Final = ".asl.json"

PART: Final = r"^[a-z][a-z0-9_-]{0,30}$"
"""Of workflows, functions, tables, buckets and resources."""
_KEY: Final = {"type": "string", "minLength": 1, "maxLength": 255}  # DynamoDB's own limit of a key's name
_SCHEMA: Final = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "stage": {"type": "string", "pattern": STAGE_PATTERN},
        "settings": {
            "type": "object",
            "additionalProperties": False,
            "patternProperties": {
                SETTING_NAME: {
                    "anyOf": [
                        # A placeholder in a value would be bound by nobody.
                        {"type": "string", "not": {"pattern": r"\$\{"}},
                        {"type": "number"},
                        {"type": "boolean"},
                    ],
                    "description": "has to be a text without `${`, a number or a boolean",
                }
            },
        },
        "durable_functions": {
            "type": "object",
            "additionalProperties": False,
            "patternProperties": {
                PART: {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["vendors", "execution_timeout_s"],
                    "properties": {
                        "vendors": {"type": "array", "minItems": 1, "uniqueItems": True, "items": {"type": "string"}},
                        # Lambda API reference, DurableConfig: up to 366 days.
                        "execution_timeout_s": {"type": "integer", "minimum": 1, "maximum": 31_622_400},
                    },
                }
            },
        },
        "resources": {
            "type": "object",
            "additionalProperties": False,
            "patternProperties": {PART: {"enum": [str(kind) for kind in RESOURCE_PLACEHOLDERS]}},
        },
        "tables": {
            "type": "object",
            "additionalProperties": False,
            "patternProperties": {
                PART: {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["partition_key"],
                    "properties": {"partition_key": _KEY, "sort_key": _KEY},
                }
            },
        },
        "buckets": {"type": "array", "uniqueItems": True, "items": {"type": "string", "pattern": PART}},
    },
}


Setting = str | int | float | bool


@dataclass(frozen=True, slots=True)
class TableKeys:
    """The keys of a table; they are texts."""

    partition_key: str
    sort_key: str | None = None


@dataclass(frozen=True, slots=True)
class Durable:
    """A function that is a durable one: the vendors that it calls, and how long an execution of it may take."""

    vendors: Sequence[str]
    execution_timeout_s: int


@dataclass(frozen=True, slots=True)
class Project:
    """A project: where it lies, what it is called, and what its `[tool.headway]` says."""

    root: Path
    name: str
    stage: str
    configuration: Path
    """The folder of contract and tuning files."""
    settings: Mapping[str, Setting] = field(default_factory=dict)
    tables: Mapping[str, TableKeys] = field(default_factory=dict)
    durable_functions: Mapping[str, Durable] = field(default_factory=dict)
    """By the function's folder."""
    buckets: Sequence[str] = ()
    resources: Mapping[str, ResourceKind] = field(default_factory=dict)
    """What its own app gives, for machines to name."""

    def of_stage(self, stage: str) -> "Project":
        """Return the project as another stage of it; ConfigurationError for a name that is none."""
        return replace(self, stage=checked_stage(stage))

    @property
    def workflows(self) -> Path:
        """The folder of its machines."""
        return self.root / "workflows"

    @property
    def functions(self) -> Path:
        """The folder of its functions, one folder each."""
        return self.root / "functions"

    @property
    def state_dir(self) -> Path:
        """Where the embedded cloud keeps its state."""
        return self.root / STATE_FOLDER

    @property
    def app(self) -> Path:
        """The CDK app."""
        return self.root / "cdk" / "app.py"

    @property
    def sources(self) -> Sequence[Path]:
        """Files and folders that its templates are made of."""
        paths = (self.configuration, *self.workflow_files, self.functions, self.app.parent, self.root / FILE)
        return [path for path in paths if path.exists()]

    @property
    def workflow_files(self) -> Sequence[Path]:
        """The ASL files; ConfigurationError for one whose name makes no name of a machine."""
        return self._named(sorted(self.workflows.glob(f"*{WORKFLOW_ENDING}")), WORKFLOW_ENDING)

    @property
    def function_folders(self) -> Sequence[Path]:
        """The folders that have a `handler.py`; ConfigurationError for one whose name makes no name of a function."""
        return self._named([path.parent for path in sorted(self.functions.glob("*/handler.py"))], "")

    def machine_name(self, file: Path) -> str:
        """Return the name of the machine of an ASL file."""
        return workflow_name(self.stage, workflow_of(file))

    @staticmethod
    def _named(paths: Sequence[Path], ending: str) -> Sequence[Path]:
        for path in paths:
            if not re.match(PART, path.name.removesuffix(ending)):
                raise ConfigurationError(f"{path}: its name has to match {PART}; rename it")
        return paths


def workflow_of(file: Path) -> str:
    """Return what the workflow of an ASL file is called."""
    return file.name.removesuffix(WORKFLOW_ENDING)


def find(start: Path) -> Project:
    """Return the project of a folder: its own, or that of the nearest folder above. Raises ConfigurationError."""
    for folder in (start.resolve(), *start.resolve().parents):
        path = folder / FILE
        if path.is_file() and (project := _read(path)):
            return project
    raise ConfigurationError(f"{start}: no project here or above: run `headway init NAME`, or go into a project")


def bare(configuration: Path, stage: str = DEFAULT_STAGE) -> Project:
    """Return a project that is a configuration and nothing else: lanes without machines of one's own."""
    return Project(root=configuration, name=configuration.name, stage=stage, configuration=configuration)


def _read(path: Path) -> Project | None:
    """Return the project of a file; None where it has no `[tool.headway]`."""
    try:
        document: Mapping[str, Any] = tomllib.loads(path.read_text())
    except ValueError as error:
        raise ConfigurationError(f"{path}: not TOML: {error}") from error
    table = document.get("tool", {}).get("headway")
    if table is None:
        return None
    if said := broken_rule(table, _SCHEMA):
        field, message = said
        raise ConfigurationError(f"{path}: `{'.'.join(('tool', 'headway', *field))}`: {message}")
    for name in table.get("durable_functions", {}):
        if not (path.parent / "functions" / name / "handler.py").is_file():
            field = f"tool.headway.durable_functions.{name}"
            raise ConfigurationError(f"{path}: `{field}`: there is no functions/{name}/handler.py; write it, or rename")
    return Project(
        root=path.parent,
        name=document.get("project", {}).get("name", path.parent.name),
        stage=table.get("stage", DEFAULT_STAGE),
        configuration=path.parent / CONFIGURATION_FOLDER,
        settings=table.get("settings", {}),
        tables={name: TableKeys(**keys) for name, keys in table.get("tables", {}).items()},
        durable_functions={name: Durable(**said) for name, said in table.get("durable_functions", {}).items()},
        buckets=tuple(table.get("buckets", ())),
        resources={name: ResourceKind(kind) for name, kind in table.get("resources", {}).items()},
    )
