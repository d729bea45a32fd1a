"""What the `${Placeholders}` of workflow files stand for, and their names: each follows from the thing's own name.

One name, one thing: two that would get the same name are refused. What stands here knows no CDK: a value or an ARN may
be a CDK token, and is only passed on.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, Protocol

from headway_lane.contract.vendor import Vendor

from headway_cdk.configuration import ConfigurationError
from headway_cdk.names import pascal

PLACEHOLDER: Final = re.compile(r"\$\{([A-Za-z][A-Za-z0-9]*)\}")
"""Alphanumeric: CloudFormation substitutes them (`DefinitionSubstitutions`)."""
SETTING_NAME: Final = r"^[A-Z][A-Za-z0-9]*$"


class ResourceKind(StrEnum):
    """What a placeholder names; a setting has none."""

    FUNCTION = "function"
    QUEUE = "queue"
    TABLE = "table"
    BUCKET = "bucket"
    BUS = "event bus"
    MACHINE = "state machine"
    API = "API"


RESOURCE_PLACEHOLDERS: Final[Mapping[ResourceKind, str]] = {
    ResourceKind.QUEUE: "QueueUrl",
    ResourceKind.BUCKET: "Bucket",
    ResourceKind.BUS: "Bus",
}
"""How placeholders of resources end that a project's own app gives, by the kinds that it may give."""


@dataclass(frozen=True, slots=True)
class Binding:
    """What a placeholder stands for: text, a number or an object; `arn` is what grants are for.

    `vendor` is the lane that it belongs to, "" for none; a machine has the ARN of its executions beside its own.
    """

    value: Any
    kind: ResourceKind | None = None
    arn: str = ""
    vendor: str = ""
    executions_arn: str = ""


@dataclass(frozen=True, slots=True)
class AwsAccount:
    """Where ARNs are: the parts that they have in common."""

    partition: str
    region: str
    account_id: str

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of something in this account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account_id}:{resource}"

    def executions_arn(self, machine: str) -> str:
        """Return the ARN of all executions of a machine."""
        return self.arn("states", f"execution:{machine}:*")

    def durable_arn(self, function: str) -> str:
        """Return the ARN of all durable executions of a function, whatever its version."""
        return self.arn("lambda", f"function:{function}:*")

    def machine(self, name: str) -> Binding:
        """Return a state machine of this account by its name."""
        arn = self.arn("states", f"stateMachine:{name}")
        return Binding(arn, ResourceKind.MACHINE, arn, executions_arn=self.executions_arn(name))


class LaneParts(Protocol):
    """The parts of a lane that workflows can name, each asked for only where one does. Without an urgent queue, the
    request queue is that, too.
    """

    @property
    def call_vendor(self) -> Binding:
        """The machine that calls the vendor."""
        ...

    @property
    def request_queue(self) -> Binding:
        """The queue that requests wait in."""
        ...

    @property
    def urgent_queue(self) -> Binding:
        """The queue that urgent requests wait in."""
        ...

    @property
    def results_queue(self) -> Binding:
        """The queue that fetches of results wait in."""
        ...

    @property
    def claims(self) -> Binding:
        """The bucket of claim checks."""
        ...


class _Bindings(Mapping[str, Binding]):
    """Bindings by placeholder, each made when it is first asked for."""

    def __init__(self, makers: Mapping[str, Callable[[], Binding]]) -> None:
        self._makers = makers
        self._made: dict[str, Binding] = {}

    def __getitem__(self, name: str) -> Binding:
        if name not in self._made:
            self._made[name] = self._makers[name]()
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in self._makers

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


def function(arn: str) -> Binding:
    """Return a function."""
    return Binding(arn, ResourceKind.FUNCTION, arn)


def queue(url: str, arn: str) -> Binding:
    """Return a queue, which is named by its URL."""
    return Binding(url, ResourceKind.QUEUE, arn)


def table(name: str, arn: str) -> Binding:
    """Return a table."""
    return Binding(name, ResourceKind.TABLE, arn)


def bucket(name: str, arn: str) -> Binding:
    """Return a bucket."""
    return Binding(name, ResourceKind.BUCKET, arn)


def bus(name: str, arn: str) -> Binding:
    """Return an event bus."""
    return Binding(name, ResourceKind.BUS, arn)


class Placeholders:
    """Gathers what workflow files of a project can name; ConfigurationError where two things would have one name."""

    def __init__(self) -> None:
        self._makers: dict[str, Callable[[], Binding]] = {}
        self._origins: dict[str, str] = {}

    @property
    def bound(self) -> Mapping[str, Binding]:
        """Everything that can be named, by placeholder."""
        return _Bindings(self._makers)

    def add_function(self, name: str, arn: str) -> None:
        """Add the function of `functions/<name>/`: `use_result` is `${UseResultFunctionArn}`."""
        self._add(f"functions/{name}", f"{pascal(name)}FunctionArn", lambda: function(arn))

    def add_table(self, name: str, *, table_name: str, arn: str) -> None:
        """Add a table of the project: `orders` is `${OrdersTable}`."""
        self._add(f"the table {name!r}", f"{pascal(name)}Table", lambda: table(table_name, arn))

    def add_bucket(self, name: str, *, bucket_name: str, arn: str) -> None:
        """Add a bucket of the project: `files` is `${FilesBucket}`."""
        self._add(f"the bucket {name!r}", f"{pascal(name)}Bucket", lambda: bucket(bucket_name, arn))

    def add_resource(self, name: str, given: Binding) -> None:
        """Add what the project's own app gives: the queue `orders` is `${OrdersQueueUrl}`."""
        if given.kind is None or given.kind not in RESOURCE_PLACEHOLDERS:
            raise ConfigurationError(f"the resource {name!r}: no {', no '.join(RESOURCE_PLACEHOLDERS)}")
        self._add(f"the resource {name!r}", pascal(name) + RESOURCE_PLACEHOLDERS[given.kind], lambda: given)

    def add_setting(self, name: str, value: Any) -> None:
        """Add a setting, under its own name."""
        if not re.match(SETTING_NAME, name):
            raise ConfigurationError(f"the setting {name!r}: a name is alphanumeric, the first a capital")
        self._add(f"the setting {name!r}", name, lambda: Binding(value))

    def add_lane(self, vendor: Vendor, parts: LaneParts) -> None:
        """Add a vendor's lane: of `assembly-ai`, for example, `${AssemblyAiCallVendorArn}`."""
        named: Mapping[str, Callable[[], Binding]] = {
            "CallVendorArn": lambda: parts.call_vendor,
            "RequestQueueUrl": lambda: parts.request_queue,
            "UrgentQueueUrl": lambda: parts.urgent_queue,
            "ResultsQueueUrl": lambda: parts.results_queue,
            "ClaimsBucket": lambda: parts.claims,
            "CallTimeoutSeconds": lambda: Binding(vendor.call_timeout_s),
            "CallHeartbeatSeconds": lambda: Binding(vendor.call_heartbeat_s),
            "FetchTimeoutSeconds": lambda: Binding(vendor.fetch_timeout_s),
            "FetchHeartbeatSeconds": lambda: Binding(vendor.fetch_heartbeat_s),
        }
        for name, make in named.items():
            self._add(f"the vendor {vendor.name!r}", pascal(vendor.name) + name, _of_vendor(vendor.name, make))

    def _add(self, origin: str, name: str, make: Callable[[], Binding]) -> None:
        if name in self._makers:
            raise ConfigurationError(
                f"{origin} and {self._origins[name]} would both be `${{{name}}}` in workflows; rename one of them"
            )
        self._makers[name] = make
        self._origins[name] = origin


def _of_vendor(vendor: str, make: Callable[[], Binding]) -> Callable[[], Binding]:
    return lambda: replace(make(), vendor=vendor)
