"""Names that others can know without asking: of stacks, machines, functions and their roles, and of SSM parameters.

What is retained has no fixed name: a vendor that is removed and added again would find it taken. Names of roles hold in
a whole account: a stage that is deployed to a second region needs another name.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

BASE: Final = "base"
WORKFLOWS: Final = "workflows"
TABLES: Final = "tables"
BUCKETS: Final = "buckets"
RESOURCES: Final = "resources"
RESERVED: Final = frozenset({BASE, WORKFLOWS, TABLES, BUCKETS, RESOURCES})
"""What is beside the vendors: no vendor may be called so."""


class Machine(StrEnum):
    """State machines of a lane; the workflow's file is called the same, with underscores."""

    CALL_VENDOR = "call-vendor"
    DISPATCH_CALL = "dispatch-call"


_SHORTER: Final[Mapping[str, str]] = {Machine.DISPATCH_CALL: "dispatch"}
"""Words of roles where the part's own is too long."""


class Function(StrEnum):
    """Functions of a lane."""

    DISPATCHER = "dispatcher"
    CALLER = "caller"
    SETTLER = "settler"
    CALLBACK = "callback"
    RESULTS = "results"


def pascal(name: str) -> str:
    """Write a name in PascalCase, alphanumeric: `use_result` -> `UseResult`."""
    return "".join(part[0].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", name) if part)


def base_stack(stage: str) -> str:
    """Name the stack of what a stage has once."""
    return f"Headway-{stage}-{BASE}"


def state_stack(stage: str, vendor: str) -> str:
    """Name the stack of what outlives every deployment of a vendor's lane."""
    return f"Headway-{stage}-{vendor}-state"


def lane_stack(stage: str, vendor: str) -> str:
    """Name the stack of what a deployment of a vendor's lane may replace."""
    return f"Headway-{stage}-{vendor}-lane"


def workflows_stack(stage: str) -> str:
    """Name the stack of a project's own machines and functions."""
    return f"Headway-{stage}-{WORKFLOWS}"


def resources_stack(stage: str) -> str:
    """Name the stack of what a project's own app makes, and its machines name."""
    return f"Headway-{stage}-{RESOURCES}"


def own_name(stage: str, vendor: str, part: str) -> str:
    """Name a part of a lane such as a Machine or a Function, within 80 characters (Step Functions quotas)."""
    return f"headway-{stage}-{vendor}-{part}"


def role_name(stage: str, vendor: str, part: str) -> str:
    """Name the role of a part like the part itself, within 64 characters (IAM quotas) for the longest names."""
    return own_name(stage, vendor, _SHORTER.get(part, part))


def stopped_rule(stage: str, vendor: str) -> str:
    """Name the rule that tells a lane of stopped executions, within 64 characters (EventBridge quotas)."""
    return own_name(stage, vendor, "stopped")


def workflow_name(stage: str, workflow: str) -> str:
    """Name the machine of a project's workflow."""
    return own_name(stage, WORKFLOWS, workflow)


def parameter_path(stage: str, owner: str = "") -> str:
    """Return the SSM path of a stage, or of a vendor in it (BASE and WORKFLOWS for what is beside the vendors)."""
    return f"/headway/{stage}/{owner}/" if owner else f"/headway/{stage}/"


def parameter(stage: str, owner: str, name: str) -> str:
    """Name an SSM parameter."""
    return f"{parameter_path(stage, owner)}{name}"


DISPATCHING_PARAMETER: Final = "dispatching"
"""A vendor's parameter that tells whether its calls are dispatched: a `Dispatching`, kept by the state stack, and
written by `headway pause`, `drain` and `resume`. Lane stacks read it at every deployment."""


class Dispatching(StrEnum):
    """What becomes of a lane's calls."""

    OPEN = "open"
    DRAINING = "draining"
    """They are dispatched; nobody starts new ones."""
    PAUSED = "paused"
    """They wait in their queues."""


LANE_PARAMETER: Final = "lane"
AT_ONCE_PARAMETER: Final = "at_once_strategy_id"
GRADUAL_PARAMETER: Final = "gradual_strategy_id"
ALARM_ROLE_PARAMETER: Final = "alarm_role_arn"
"""A vendor's parameter that tells a lane as a whole: JSON of the fields of `published.PublishedLane`."""
