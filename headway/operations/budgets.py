"""Reservations of a budget as an operator wants to read them: when the next call may leave, and what holds it back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from headway_lane.contract.limits import Scope
from headway_lane.contract.vendor import Vendor
from headway_lane.limiter.budget_name import budget_name
from headway_lane.limiter.core.circuit import CircuitState
from headway_lane.limiter.core.measured import UNMEASURED, Measured
from headway_lane.limiter.core.reservations import DAY_US, reserve
from headway_lane.limiter.core.rule import strictest
from headway_lane.limiter.core.signals import Reason
from headway_lane.limiter.core.steps import Entry, StandingRule
from headway_lane.limiter.reservation_store import DynamoReservationStore
from headway_lane.limiter.runner import ReservationStore

from headway.deployment.connection import Connection

US_PER_S = 1_000_000
US_PER_MS = 1_000


@dataclass(frozen=True, slots=True)
class RuleBeside:
    """A rule that stands beside that of the function which wrote last, and for how many seconds more. `announced` says
    which limit of the vendor's it is, where it is one.
    """

    pace_per_s: float
    headroom_ms: float
    day_amount: int | None
    for_s: float
    announced: str = ""


@dataclass(frozen=True, slots=True)
class Learned:
    """What a budget has learned: the headroom in force and from how many calls. `day_count` permits were given today,
    of `day_amount`, where there is a cap.
    """

    headroom_ms: float
    calls_count: int
    day_count: int | None
    day_amount: int | None
    rules_beside: Sequence[RuleBeside]


@dataclass(frozen=True, slots=True)
class BudgetStatus:
    """One budget of a vendor: of its submits, its polls, or both where a limit counts both (scope `any`).

    Times are in seconds from now; no reason while nobody is cooling down.
    """

    vendor: str
    scope: str
    free_in_s: float
    cool_down_for_s: float
    cool_down_reason: Reason | None
    circuit: CircuitState
    failure_count: int
    probe_every_s: float
    learned: Learned


def measured_of(connection: Connection, vendor: Vendor) -> Measured | None:
    """Return what was measured of a vendor's submits; None where the vendor is not deployed."""
    lane = connection.stage.lanes.get(vendor.name)
    if lane is None:
        return None
    store = DynamoReservationStore(connection.target.table(lane.budgets_table))
    entry = store.read(budget_name(vendor.name, vendor.budget_scope(Scope.SUBMIT)))
    return entry.reservations.measured if entry else UNMEASURED


def budget_statuses(connection: Connection, now_us: int) -> list[BudgetStatus]:
    """Judge every budget of a deployment that was used; a vendor that is paced without permits has none."""
    return [
        status
        for vendor, lane in connection.stage.lanes.items()
        for status in statuses(DynamoReservationStore(connection.target.table(lane.budgets_table)), [vendor], now_us)
    ]


def statuses(reservations: ReservationStore, vendors: Iterable[str], now_us: int) -> list[BudgetStatus]:
    """Judge every budget in a store that was used."""
    return [
        status_of(vendor, scope, entry, now_us)
        for vendor in vendors
        for scope in Scope
        if (entry := reservations.read(budget_name(vendor, scope)))
    ]


def status_of(vendor: str, scope: str, entry: Entry, now_us: int) -> BudgetStatus:
    """Judge reservations at a moment; of two cool-downs the one that holds longer is named."""
    circuit = entry.reservations.circuit
    _, [permit] = reserve(entry.rule, entry.reservations, now_us, 1)
    cool_down_us, probe_us = entry.reservations.cool_down_until_us - now_us, circuit.resume_us - now_us
    by_circuit = not circuit.closed and probe_us > cool_down_us
    held_us = max(probe_us if by_circuit else cool_down_us, 0)
    return BudgetStatus(
        vendor=vendor,
        scope=scope,
        free_in_s=(permit.slot_us - now_us) / US_PER_S,
        cool_down_for_s=held_us / US_PER_S,
        cool_down_reason=(Reason.CIRCUIT if by_circuit else entry.reservations.cool_down_reason) if held_us else None,
        circuit=circuit.state(now_us),
        failure_count=circuit.failure_count,
        probe_every_s=circuit.period_us / US_PER_S,
        learned=learned_of(entry, now_us),
    )


def learned_of(entry: Entry, now_us: int) -> Learned:
    """Read what is learned at a moment, under the rule in force: the last writer's own, and what stands beside it."""
    *others, own = entry.standing or [StandingRule(entry.rule, now_us)]
    beside = [each for each in others if each.until_us > now_us]
    reservations = entry.reservations
    rule = strictest([own.rule, *(each.rule for each in beside)]).with_headroom(reservations.measured.headroom_us)
    today_count = reservations.day_count if reservations.day == now_us // DAY_US else 0
    return Learned(
        headroom_ms=rule.headroom_us / US_PER_MS,
        calls_count=round(reservations.measured.spread.count),
        day_count=None if rule.day_amount is None else today_count,
        day_amount=rule.day_amount,
        rules_beside=[_beside(each, now_us) for each in beside],
    )


def _beside(each: StandingRule, now_us: int) -> RuleBeside:
    rule, pace_per_s = each.rule, US_PER_S / each.rule.emission_interval_us
    announced = f"{each.announced[0]} calls in {each.announced[1] / US_PER_S:g} s" if each.announced else ""
    for_s = (each.until_us - now_us) / US_PER_S
    return RuleBeside(pace_per_s, rule.headroom_us / US_PER_MS, rule.day_amount, for_s, announced)
