"""Histories as Step Functions writes them: each event names the one that it follows from."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from headway.graph.machine import MachineGraph, read

SHIPMENT: Final = Path(__file__).with_name("shipment.asl.json")
BEGAN_S: Final = 1_790_000_000.0

Event = dict[str, Any]


def shipment() -> MachineGraph:
    return read(json.loads(SHIPMENT.read_text()), SHIPMENT.name)


class Told:
    """A history that is told event by event; `after` is the event that the next one follows from."""

    def __init__(self, **details: Any) -> None:
        self.events: list[Event] = []
        self.now_s = BEGAN_S
        self.add("ExecutionStarted", 0, **details)

    def add(self, kind: str, after: int, wait_s: float = 0.0, **details: Any) -> int:
        """Add an event, `wait_s` later than the one before; returns its ID."""
        self.now_s += wait_s
        event: Event = {"id": len(self.events) + 1, "previousEventId": after, "type": kind, "timestamp": self.now_s}
        if details:
            part = "state" if kind.endswith(("StateEntered", "StateExited")) else ""
            named = kind[kind.index("State") :] if part else kind
            event[f"{named[0].lower()}{named[1:]}EventDetails"] = details
        self.events.append(event)
        return int(event["id"])

    def enter(self, kind: str, name: str, after: int, wait_s: float = 0.0) -> int:
        return self.add(f"{kind}StateEntered", after, wait_s, name=name)

    def leave(self, kind: str, name: str, after: int, wait_s: float = 0.0) -> int:
        return self.add(f"{kind}StateExited", after, wait_s, name=name)

    def task(self, name: str, after: int, seconds: float, *errors: str) -> int:
        """Enter a Task that fails with the errors before it succeeds, and leave it."""
        last = self.enter("Task", name, after)
        for error in errors:
            last = self.add(
                "TaskFailed", self.add("TaskScheduled", last), seconds, error=error, cause=f"{error} it was"
            )
        last = self.add("TaskSucceeded", self.add("TaskScheduled", last), seconds, output="{}")
        return self.leave("Task", name, last)

    def fails(self, name: str, after: int, seconds: float, *errors: str) -> int:
        """Enter a Task that fails with the errors, and stay there."""
        last = self.enter("Task", name, after)
        for error in errors:
            last = self.add(
                "TaskFailed", self.add("TaskScheduled", last), seconds, error=error, cause=f"{error} <it> was"
            )
        return last


def failed_shipment() -> list[Event]:
    """A shipment of two lines side by side: one is sent by post, the other is never sent, and the order fails."""
    told = Told()
    read_order = told.task("ReadOrder", 1, 0.2, "DynamoDB.ThrottlingException")
    routed = told.leave("Choice", "RouteOrder", told.enter("Choice", "RouteOrder", read_order))
    shipping = told.add("MapStateStarted", told.enter("Map", "ShipLines", routed), length=2)
    begun = [told.add("MapIterationStarted", shipping, name="ShipLines", index=index) for index in range(2)]
    preparing = [told.add("ParallelStateStarted", told.enter("Parallel", "Prepare", each)) for each in begun]
    packed = [
        told.task("Pack", each, 1.5, *["Lambda.TooManyRequestsException"] * number)
        for number, each in enumerate(preparing)
    ]
    refused = told.leave("Task", "AskCarrier", told.fails("AskCarrier", preparing[0], 2.0, "States.TaskFailed"))
    told.leave("Pass", "UsePost", told.enter("Pass", "UsePost", refused))
    asked = told.task("AskCarrier", preparing[1], 2.5)
    told.leave("Succeed", "Ordered", told.enter("Succeed", "Ordered", asked))
    prepared = [told.leave("Parallel", "Prepare", told.add("ParallelStateSucceeded", each)) for each in packed]
    told.add("MapIterationSucceeded", told.task("Send", prepared[0], 3.0), name="ShipLines", index=0)
    stuck = told.fails("Send", prepared[1], 4.0, *["Carrier.Closed"] * 3)
    broken = told.add("MapStateFailed", told.add("MapIterationFailed", stuck, name="ShipLines", index=1))
    refunded = told.task("Refund", told.leave("Map", "ShipLines", broken), 0.3)
    told.add("ExecutionFailed", told.enter("Fail", "OrderFailed", refunded), error="Order.Failed", cause="Send gave up")
    return told.events


def without_previous(events: list[Event]) -> list[Mapping[str, Any]]:
    """Return the events as the embedded cloud writes them."""
    return [{name: value for name, value in event.items() if name != "previousEventId"} for event in events]
