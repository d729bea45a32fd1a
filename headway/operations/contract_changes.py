"""What a changed contract needs of an operator before it is deployed: nothing, a pause, or a drained lane.

In: the contract that a lane's functions read, and the one in the project. Out: what changes, and the need. Pure but for
`needs_before` and `needs_of`, which ask the lanes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from headway_cdk.project import Project

from headway.deployment.connection import Connection
from headway.deployment.contracts import vendor_files
from headway.deployment.stage import DeployedStage
from headway.deployment.target import Target
from headway.deployment.target_name import TargetName
from headway.errors import NotDeployed
from headway.operations.tunings import contract_in_force


class Need(StrEnum):
    """From the least to the most."""

    NOTHING = "nothing"
    """Permits under an older rule are voided, and tasks keep the deadlines that they have."""
    PAUSE = "pause"
    """While functions and proxy are changed one after the other, a call could leave half by the old contract."""
    DRAIN = "drain"
    """Jobs that were begun by the old contract would be answered, and read, by the new one."""


FIELDS: Final[Mapping[str, Need]] = {
    "limits": Need.NOTHING,
    "shares": Need.NOTHING,
    "limit_headers": Need.NOTHING,
    "waits": Need.NOTHING,
    "dispatch": Need.PAUSE,
    "base_url": Need.PAUSE,
    "credential": Need.PAUSE,
    "headers": Need.PAUSE,
    "submit": Need.PAUSE,
    "submit.job_id": Need.DRAIN,
    "callback": Need.DRAIN,
    "poll": Need.DRAIN,
    "result": Need.DRAIN,
    "cancel": Need.DRAIN,
}
"""By the field of a contract, the longest name that fits; what is not here needs a drained lane."""


@dataclass(frozen=True, slots=True)
class ContractChange:
    """The fields of a vendor's contract that change, two levels deep, and what the strictest of them needs."""

    vendor: str
    fields: tuple[str, ...]
    need: Need

    def __str__(self) -> str:
        """Say it in a line, with the commands."""
        what = f"{self.vendor}: the contract changes in {', '.join(self.fields)}"
        if self.need is Need.NOTHING:
            return f"{what}; nothing is needed"
        wait = " --wait" if self.need is Need.DRAIN else ""
        return f"{what}: `headway {self.need} {self.vendor}{wait}`, deploy, `headway resume {self.vendor}`"


def change_of(vendor: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> ContractChange | None:
    """Return what a contract changes; None where it says the same."""
    names = tuple(
        sorted({name for key in {*before, *after} for name in _changed(key, before.get(key), after.get(key))})
    )
    order = list(Need)
    return ContractChange(vendor, names, max(map(_need, names), key=order.index)) if names else None


def needs_before(name: TargetName, cloud: Target, project: Project) -> Sequence[ContractChange]:
    """Return what a deployment of a project needs before; nothing where nothing of its stage is deployed."""
    try:
        connection = Connection(name, cloud, DeployedStage.found(cloud, project.stage))
    except NotDeployed:
        return []
    files = vendor_files(project.configuration, project.stage)
    return needs_of(connection, {vendor: one.contract for vendor, one in files.items()})


def needs_of(connection: Connection, contracts: Mapping[str, Mapping[str, Any]]) -> Sequence[ContractChange]:
    """Return the changes of all vendors that are deployed and stay, by name."""
    found = []
    for vendor in sorted(contracts.keys() & connection.stage.lanes.keys()):
        try:
            before = contract_in_force(connection, vendor)
        except NotDeployed:  # its first deployment has not ended: there is no call yet
            continue
        if change := change_of(vendor, before, contracts[vendor]):
            found.append(change)
    return found


def _changed(key: str, before: Any, after: Any) -> list[str]:
    if before == after:
        return []
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return [key]
    return [f"{key}.{name}" for name in {*before, *after} if before.get(name) != after.get(name)]


def _need(name: str) -> Need:
    return FIELDS.get(name) or FIELDS.get(name.partition(".")[0], Need.DRAIN)
