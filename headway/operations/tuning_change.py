"""What a change of a tuning would do, before anything is done: from what to what, whether it may be, how long it takes.

In: the lane as deployed, and the fields that an operator gives. Out: a TuningChange, which commands and consoles draw.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headway_cdk.configuration import broken_rule, schema
from headway_cdk.tuning_schema import tuning_schema
from headway_lane.contract.vendor import Vendor

from headway.deployment.connection import Connection
from headway.deployment.queues import QueueAttribute, message_count
from headway.errors import OperationRefused
from headway.operations.forecasts import Backlog, backlog_of
from headway.operations.tunings import contract_in_force, in_force


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field of the tuning, from what to what; None where the file says nothing."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class TuningChange:
    """A tuning that may be deployed, beside the one in force, and the forecast of what waits under both."""

    vendor: str
    document: Mapping[str, Any]
    fields: tuple[FieldChange, ...]
    contract_per_s: float
    backlog: Backlog
    backlog_before: Backlog

    @property
    def loses(self) -> bool:
        """Whether calls that wait now would reach their deadline for it: what cannot be undone."""
        return self.backlog.expiring_count > self.backlog_before.expiring_count


def change_of(connection: Connection, vendor: str, given: Mapping[str, Any], *, whole: bool = False) -> TuningChange:
    """Return what the given fields would change, or a `whole` document in the place of the one in force.

    Raises OperationRefused for what the contract or the lane's own numbers have no room for.
    """
    contract = Vendor.from_document(contract_in_force(connection, vendor))
    before = in_force(connection, vendor)
    after = dict(given) if whole else {**before, **given}
    refuse_broken(contract, after)
    waiting_count = waiting(connection, vendor)
    names = sorted({*before, *after}, key=lambda name: (name not in after, name))
    return TuningChange(
        vendor,
        after,
        tuple(FieldChange(name, before.get(name), after.get(name)) for name in names),
        contract.lasting_rps,
        backlog_of(contract, waiting_count, after["rate_per_s"]),
        backlog_of(contract, waiting_count, before["rate_per_s"]),
    )


def refuse_broken(contract: Vendor, document: Any) -> None:
    """Raise OperationRefused where a document breaks the schema of a lane's tuning, as AppConfig has it."""
    if said := broken_rule(document, tuning_schema(schema("tuning"), contract)):
        field, words = said
        raise OperationRefused(f"tuning of {contract.name}: `{'.'.join(field) or '(top level)'}`: {words}")


def waiting(connection: Connection, vendor: str) -> int:
    """Count the requests of a lane that wait, those to come later included."""
    urls = connection.stage.lanes[vendor].request_queue_urls
    return sum(message_count(connection, url, QueueAttribute.WAITING, QueueAttribute.DELAYED) for url in urls)
