"""What was measured of a vendor's calls, and what a headroom that is learned from it costs. Arithmetic.

Times are kept in classes; what is said of them is the upper end of a class, so never too little.
"""

from dataclasses import dataclass, replace

from headway_lane.contract.limits import Scope
from headway_lane.contract.tuning import Tuning
from headway_lane.contract.vendor import Vendor
from headway_lane.limiter.budget import changes_of
from headway_lane.limiter.core.measured import ENOUGH_COUNT, Measured, Times

from headway.planning.pacing import PermitNumbers
from headway.planning.situation import Situation


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Half, nine tenths and all but a hundredth of the times, in milliseconds; None without any."""

    p50_ms: float | None
    p90_ms: float | None
    p99_ms: float | None

    def __str__(self) -> str:
        """Return them for a terminal."""
        return " / ".join("-" if each is None else f"{each:g}" for each in (self.p50_ms, self.p90_ms, self.p99_ms))


@dataclass(frozen=True, slots=True)
class Measurement:
    """The times of the calls that a budget remembers. `headroom_ms` is what they imply, within the bounds of
    `headroom_ms: auto`, and `headroom_percent` what it costs of the contract.

    `answers_tell` says whether an answer tells when its call arrived. While fewer than ENOUGH_COUNT calls are known,
    nothing is concluded (`enough`), no least answer time is known, and the headroom is half of the widest.
    """

    calls_count: int
    enough: bool
    slot_to_socket: Quantiles
    socket_to_answer: Quantiles
    least_answer_ms: float | None
    answers_tell: bool
    headroom_ms: int
    headroom_percent: float

    @property
    def latency_ms(self) -> int | None:
        """How long half of the answers took at most: what a plan takes for the vendor's latency."""
        return None if self.socket_to_answer.p50_ms is None else int(self.socket_to_answer.p50_ms)

    def lines(self) -> list[str]:
        """Say it for a terminal."""
        told = "tell when their calls arrived" if self.answers_tell else "tell nothing about the arrival"
        least = "not known yet" if self.least_answer_ms is None else f"{self.least_answer_ms:g} ms"
        few = "" if self.enough else f", fewer than {ENOUGH_COUNT}: half of the widest until then"
        return [
            f"{self.calls_count} calls are remembered; half, nine tenths and 99 of 100 took at most:",
            f"  slot to socket    {self.slot_to_socket} ms",
            f"  socket to answer  {self.socket_to_answer} ms",
            f"Least time from slot to answer: {least}. Answers {told}.",
            f"Headroom implied: {self.headroom_ms} ms, {self.headroom_percent:.1f} % of the contract{few}.",
        ]


def measurement_of(measured: Measured, vendor: Vendor, tuning: Tuning) -> Measurement | None:
    """Return what the calls of a vendor's submits show; None where nothing was measured yet, or nothing paces them by
    permits.
    """
    changes = changes_of(vendor, Scope.SUBMIT, replace(tuning, headroom_ms=None), lambda: 0)
    if not measured.spread.count or changes is None or not vendor.dispatch.by_permits:
        return None
    headroom_ms = changes.rule.with_headroom(measured.headroom_us).headroom_us // 1_000
    situation = Situation.of(vendor, tuning, latency_ms=0, learned_headroom_ms=headroom_ms)
    return Measurement(
        calls_count=round(measured.spread.count),
        enough=not measured.too_few,
        slot_to_socket=_quantiles(measured.left),
        socket_to_answer=_quantiles(measured.answered),
        least_answer_ms=None if measured.too_few else measured.least_answer_us / 1_000,
        answers_tell=measured.tells,
        headroom_ms=headroom_ms,
        headroom_percent=PermitNumbers(situation).headroom_percent,
    )


def _quantiles(times: Times) -> Quantiles:
    found = (times.quantile_us(share) for share in (0.5, 0.9, 0.99))
    return Quantiles(*(None if each is None else each / 1_000 for each in found))
