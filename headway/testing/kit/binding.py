"""A project's machine as it would be deployed, with names of no account: placeholders bound, lanes beside it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml
from headway_cdk.configuration import ConfigurationError, load_vendors
from headway_cdk.definitions import Definition, bind, bind_document, read_document, vendors_of
from headway_cdk.names import Machine, own_name, workflow_name
from headway_cdk.placeholders import Binding, Placeholders, ResourceKind
from headway_cdk.project import Project
from headway_lane.contract.vendor import Vendor

from headway.testing.kit.interpreter import ACCOUNT_ID, REGION, arn_of

ENDINGS: Final = (".asl.json", ".asl.yaml", ".asl.yml")


@dataclass(frozen=True, slots=True)
class LaneNames:
    """What a machine can name of a lane; without an urgent queue, the request queue is that, too."""

    vendor: Vendor
    stage: str

    @property
    def call_vendor(self) -> Binding:
        """The machine that calls the vendor."""
        arn = arn_of(f"stateMachine:{self.machine_name}")
        return Binding(arn, ResourceKind.MACHINE, arn)

    @property
    def request_queue(self) -> Binding:
        """The queue that requests wait in."""
        return self._queue("requests")

    @property
    def urgent_queue(self) -> Binding:
        """The queue that urgent requests wait in."""
        return self._queue("urgent" if self.vendor.dispatch.urgent_concurrency else "requests")

    @property
    def results_queue(self) -> Binding:
        """The queue that fetches of results wait in."""
        return self._queue("results")

    @property
    def claims(self) -> Binding:
        """The bucket of claim checks."""
        return Binding(f"{self.vendor.name}-claims", ResourceKind.BUCKET)

    @property
    def machine_name(self) -> str:
        """The name of `call_vendor`."""
        return own_name(self.stage, self.vendor.name, Machine.CALL_VENDOR)

    @property
    def machine(self) -> Any:
        """The definition of `call_vendor`."""
        vendor = self.vendor
        return _written(
            bind(
                "call_vendor",
                {
                    "Vendor": vendor.name,
                    "RequestQueueUrl": self.request_queue.value,
                    "UrgentQueueUrl": self.urgent_queue.value,
                    "ResultsQueueUrl": self.results_queue.value,
                    "WorkflowTimeoutSeconds": vendor.workflow_timeout_s,
                    "CallTimeoutSeconds": vendor.call_timeout_s,
                    "CallHeartbeatSeconds": vendor.call_heartbeat_s,
                    "FetchTimeoutSeconds": vendor.fetch_timeout_s,
                    "FetchHeartbeatSeconds": vendor.fetch_heartbeat_s,
                },
            )
        )

    def _queue(self, name: str) -> Binding:
        full = f"headway-{self.stage}-{self.vendor.name}-{name}"
        return Binding(f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT_ID}/{full}", ResourceKind.QUEUE)


@dataclass(frozen=True, slots=True)
class BoundMachine:
    """A machine that an interpreter can take, and the lanes that it names by vendor."""

    name: str
    definition: Any
    lanes: Mapping[str, LaneNames] = field(default_factory=dict)


def bound_workflow(project: Project, workflow: str) -> BoundMachine:
    """Bind `workflows/<workflow>.asl.json`, or `.asl.yaml`; ConfigurationError where it could not be deployed."""
    paths = [project.workflows / f"{workflow}{ending}" for ending in ENDINGS]
    path = next((path for path in paths if path.exists()), None)
    if path is None:
        there = sorted(found.name for found in project.workflows.glob("*.asl.*"))
        raise ConfigurationError(f"{paths[0]}: there is no such file; there is {', '.join(there) or 'none'}")
    document = read(path)
    lanes = {files.vendor.name: LaneNames(files.vendor, project.stage) for files in _vendors(project)}
    placeholders = _placeholders(project, lanes)
    definition = _written(bind_document(document, placeholders, str(path)))
    named = vendors_of(document, placeholders)
    return BoundMachine(workflow_name(project.stage, workflow), definition, {name: lanes[name] for name in named})


def bound_machine(name: str, document: Any, values: Mapping[str, Any]) -> BoundMachine:
    """Bind a machine outside of a project with these values."""
    bindings = {key: Binding(value) for key, value in values.items()}
    return BoundMachine(name, _written(bind_document(document, bindings, name)))


def read(path: Path) -> Any:
    """Read a definition, JSON or YAML; ConfigurationError where it is none."""
    if path.suffix == ".json":
        return read_document(path)
    try:
        document = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{path}: not YAML: {error}") from error
    if not isinstance(document, dict):
        raise ConfigurationError(f"{path}: not a YAML object; a state machine has `StartAt` and `States`")
    return document


def _vendors(project: Project) -> Any:
    return load_vendors(project.configuration, project.stage) if project.configuration.exists() else ()


def _placeholders(project: Project, lanes: Mapping[str, LaneNames]) -> Mapping[str, Binding]:
    found = Placeholders()
    for folder in project.function_folders:
        found.add_function(folder.name, f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{folder.name}")
    for name in project.tables:
        found.add_table(name, table_name=name, arn=f"tables/{name}")
    for name in project.buckets:
        found.add_bucket(name, bucket_name=name, arn=f"buckets/{name}")
    for name, kind in project.resources.items():
        found.add_resource(name, Binding(name, kind, f"resources/{name}"))
    for name, value in project.settings.items():
        found.add_setting(name, value)
    for lane in lanes.values():
        found.add_lane(lane.vendor, lane)
    return found.bound


def _written(definition: Definition) -> Any:
    text = definition.text
    for name, value in definition.substitutions.items():
        text = text.replace(f"${{{name}}}", value)
    return json.loads(text)
