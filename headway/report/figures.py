"""The arithmetic of the report: a run's times in, its key figures out. Pure; no clock, no text, no drawing."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from math import ceil
from operator import attrgetter, itemgetter

from headway.report.model import SUCCEEDED, CallTimes, ContractLine, RunSummary

EpochOf = Callable[[CallTimes], int | None]


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of a call's way, from one recorded time to another."""

    name: str
    meaning: str
    starts: EpochOf
    ends: EpochOf


@dataclass(frozen=True, slots=True)
class Spread:
    """How long a stage took, in nearest-rank percentiles: each one is a time that some call really had."""

    count: int
    min_ms: int
    p10_ms: int
    p50_ms: int
    p90_ms: int
    p99_ms: int
    max_ms: int


@dataclass(frozen=True, slots=True)
class Failure:
    """All calls that ended with one error name; `lines` ascend, `first_cause` is that of the lowest line with one."""

    error: str
    count: int
    first_cause: str | None
    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class VendorCount:
    """What the vendor counted in one scope; None is what it did not say. `utilisation` is 0..1 of the contract."""

    scope: str
    calls: int | None
    refused: int | None
    worst_window: int | None
    violations: int | None
    utilisation: float | None


@dataclass(frozen=True, slots=True)
class ReachedPace:
    """How the run stood to its contract; `rate_per_s` and `share` are None when there were too few calls.

    `by_vendor` says who counted the busiest window and the violations, `rate_by_vendor` who measured the rate.
    """

    rate_per_s: float | None
    share: float | None
    busiest_window: int
    violations: int
    by_vendor: bool
    rate_by_vendor: bool


QUEUE = Stage("Wait in queue", "queued → called", attrgetter("queued_epoch_ms"), attrgetter("sending_epoch_ms"))
SUBMIT = Stage("Submit", "called → accepted", attrgetter("sending_epoch_ms"), attrgetter("accepted_epoch_ms"))
VENDOR = Stage("Vendor", "accepted → answered", attrgetter("accepted_epoch_ms"), attrgetter("answered_epoch_ms"))
RESUME = Stage("Resume", "answered → resumed", attrgetter("answered_epoch_ms"), attrgetter("resumed_epoch_ms"))
WHOLE = Stage("Whole call", "queued → finished", attrgetter("queued_epoch_ms"), attrgetter("finished_epoch_ms"))
STAGES = (QUEUE, SUBMIT, VENDOR, RESUME, WHOLE)


def succeeded(calls: Iterable[CallTimes]) -> int:
    """Count the calls that succeeded."""
    return sum(call.outcome == SUCCEEDED for call in calls)


def failures(calls: Iterable[CallTimes]) -> tuple[Failure, ...]:
    """Group what did not succeed by error name, or by outcome where there is no error; the most frequent first."""
    groups: defaultdict[str, list[tuple[int, str | None]]] = defaultdict(list)
    for call in calls:
        if call.outcome != SUCCEEDED:
            groups[call.error or call.outcome].append((call.line, call.cause))
    found = [_failure(error, sorted(group, key=itemgetter(0))) for error, group in groups.items()]
    return tuple(sorted(found, key=lambda failure: (-failure.count, failure.error)))


def _failure(error: str, group: Sequence[tuple[int, str | None]]) -> Failure:
    first_cause = next((cause for _, cause in group if cause), None)
    return Failure(error, len(group), first_cause, tuple(line for line, _ in group))


def sent_epochs_ms(calls: Iterable[CallTimes]) -> list[int]:
    """List when calls were sent, ascending; calls that never were are left out."""
    return sorted(call.sending_epoch_ms for call in calls if call.sending_epoch_ms is not None)


def steady_rate_per_s(sent_ms: Sequence[int]) -> float | None:
    """Return calls per second from the end of the first tenth to the start of the last tenth of the calls.

    `sent_ms` ascends. Counts intervals, not calls: batches sent at one instant then do not inflate the rate. With
    fewer than ten calls nothing is left out; None when no time passed between the first and the last.
    """
    tenth = len(sent_ms) // 10
    first, last = tenth, min(len(sent_ms) - tenth, len(sent_ms) - 1)
    if last <= first or sent_ms[last] == sent_ms[first]:
        return None
    return (last - first) * 1000 / (sent_ms[last] - sent_ms[first])


def window_counts(sent_ms: Sequence[int], per_s: float) -> list[int]:
    """Count, for each call, the calls in the half-open window of `per_s` seconds that ends with it (itself included).

    The largest is the busiest window wherever it starts, because a busiest window can always be slid to end on a call.
    """
    counts: list[int] = []
    oldest = 0
    for newest, sent in enumerate(sent_ms):
        while sent - sent_ms[oldest] >= per_s * 1000:
            oldest += 1
        counts.append(newest - oldest + 1)
    return counts


def contract_rate_per_s(contract: ContractLine) -> float:
    """Return the contract as calls per second."""
    return contract.amount / contract.per_s


def vendor_counts(report: Mapping[str, object] | None) -> tuple[VendorCount, ...]:
    """Read the vendor's own report, scope by scope; what has no figure of a scope is passed over.

    Takes the simulator's report as it is ("scopes", "violation_count") and the bare scopes with short names
    ("violations") that a vendor's own log is easily brought into.
    """

    def number(entry: Mapping[str, object], *names: str) -> float | None:
        found = (entry[name] for name in names if name in entry)
        return next((value for value in found if isinstance(value, int | float)), None)

    def count(entry: Mapping[str, object], *names: str) -> int | None:
        value = number(entry, *names)
        return None if value is None else int(value)

    report = report or {}
    scopes = report.get("scopes", report)
    if not isinstance(scopes, Mapping):
        return ()
    read = (
        VendorCount(
            scope,
            count(entry, "call_count", "calls"),
            count(entry, "refused_count", "refused"),
            count(entry, "worst_window_count", "worst_window"),
            count(entry, "violation_count", "violations"),
            number(entry, "utilisation"),
        )
        for scope, entry in scopes.items()
        if isinstance(entry, Mapping)
    )
    return tuple(seen for seen in read if (seen.calls, seen.worst_window, seen.violations) != (None, None, None))


def pace(summary: RunSummary) -> ReachedPace:
    """Hold the run against its contract: by the vendor's count of the contract's scope where there is one, else ours.

    A violation is a call that found its window already full. The vendor's window and violations are taken together or
    not at all, and so are its utilisation and the rate that follows from it.
    Among several scopes the contract's own binds, else submit.
    """
    contract = summary.contract
    sent_ms = sent_epochs_ms(summary.calls)
    counts = window_counts(sent_ms, contract.per_s)
    busiest, violations = max(counts, default=0), sum(count > contract.amount for count in counts)
    rate = steady_rate_per_s(sent_ms)
    share = None if rate is None else rate / contract_rate_per_s(contract)
    by_vendor = rate_by_vendor = False
    seen = {count.scope: count for count in vendor_counts(summary.vendor_report)}
    vendor = seen.get(contract.scope) or seen.get("submit")
    if vendor is not None and vendor.worst_window is not None and vendor.violations is not None:
        busiest, violations, by_vendor = vendor.worst_window, vendor.violations, True
    if vendor is not None and vendor.utilisation is not None:
        rate, share = vendor.utilisation * contract_rate_per_s(contract), vendor.utilisation
        rate_by_vendor = True
    return ReachedPace(rate, share, busiest, violations, by_vendor, rate_by_vendor)


def duration_ms(call: CallTimes, stage: Stage) -> int | None:
    """Return how long a call spent in a stage, or None if it lacks an end.

    Never negative: a callback may overtake the vendor's own acceptance, and that counts as 0.
    """
    start, end = stage.starts(call), stage.ends(call)
    return None if start is None or end is None else max(0, end - start)


def percentile(ascending: Sequence[int], share: float) -> int:
    """Return the smallest value that at least `share` (0..1) of the values do not exceed."""
    return ascending[max(0, ceil(share * len(ascending)) - 1)]


def spread(calls: Iterable[CallTimes], stage: Stage) -> Spread | None:
    """Return the percentiles of a stage over the calls that passed it, or None if none did."""
    times = sorted(ms for call in calls if (ms := duration_ms(call, stage)) is not None)
    if not times:
        return None
    p10, p50, p90, p99 = (percentile(times, share) for share in (0.10, 0.50, 0.90, 0.99))
    return Spread(len(times), times[0], p10, p50, p90, p99, times[-1])


def worst_first(calls: Iterable[CallTimes], most: int) -> list[CallTimes]:
    """Order calls for reading, at most so many: what failed by line, then the rest from slowest to fastest."""

    def rank(call: CallTimes) -> tuple[bool, int, int]:
        success = call.outcome == SUCCEEDED
        return success, -(duration_ms(call, WHOLE) or 0) if success else 0, call.line

    return nsmallest(most, calls, key=rank)
