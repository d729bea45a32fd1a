"""A budget's book as an operator wants to read it: when the next call may leave, and what holds it back."""

from collections.abc import Iterable
from dataclasses import dataclass

from headway_lane.contract.vendor import Scope
from headway_lane.limiter.budget import BookStore, Entry
from headway_lane.limiter.circuit import CircuitState
from headway_lane.limiter.reservations import book
from headway_lane.limiter.signals import Reason

US_PER_S = 1_000_000


@dataclass(frozen=True, slots=True)
class BudgetStatus:
    """One vendor's submits or polls: times in seconds from now; no reason while nobody is braked."""

    vendor: str
    scope: str
    free_in_s: float
    braked_for_s: float
    brake_reason: Reason | None
    circuit: CircuitState
    failure_count: int
    probe_every_s: float


def statuses(books: BookStore, vendors: Iterable[str], now_us: int) -> list[BudgetStatus]:
    """Judge every budget that was used; a vendor without permits has none."""
    return [
        status_of(vendor, scope, entry, now_us)
        for vendor in vendors
        for scope in Scope
        if (entry := books.read(f"{vendor}#{scope}"))
    ]


def status_of(vendor: str, scope: str, entry: Entry, now_us: int) -> BudgetStatus:
    """Judge a book at a moment; of two brakes the one that holds longer is named."""
    circuit = entry.book.circuit
    _, [permit] = book(entry.rule, entry.book, now_us, 1)
    braked_us, probe_us = entry.book.braked_until_us - now_us, circuit.resume_us - now_us
    by_circuit = not circuit.closed and probe_us > braked_us
    held_us = max(probe_us if by_circuit else braked_us, 0)
    return BudgetStatus(
        vendor=vendor,
        scope=scope,
        free_in_s=(permit.slot_us - now_us) / US_PER_S,
        braked_for_s=held_us / US_PER_S,
        brake_reason=(Reason.CIRCUIT if by_circuit else entry.book.brake_reason) if held_us else None,
        circuit=circuit.state(now_us),
        failure_count=circuit.failure_count,
        probe_every_s=circuit.period_us / US_PER_S,
    )
