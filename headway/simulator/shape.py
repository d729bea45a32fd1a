"""What a simulated vendor looks like from outside, and what every such shape works with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from starlette.routing import Route

from headway.simulator.account import Account
from headway.simulator.background import Background
from headway.simulator.callbacks import CallbackSender
from headway.simulator.faults import Faults
from headway.simulator.ingress import Classifier
from headway.simulator.jobs import Jobs
from headway.simulator.offer import Offer


class VendorShape(Classifier, Protocol):
    """A vendor's API: its routes, and its own refusals."""

    name: str

    def routes(self) -> list[Route]:
        """Return the vendor's routes."""
        ...


@dataclass(frozen=True, slots=True)
class ShapeParts:
    """One vendor's state, which its shape shares with the simulator that serves it."""

    account: Account
    offer: Offer
    faults: Faults
    jobs: Jobs
    callbacks: CallbackSender
    background: Background


MakeShape = Callable[[ShapeParts], VendorShape]
