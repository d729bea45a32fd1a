"""What a simulation says at the terminal."""

from headway_lane.contract.limits import LONG_WINDOW_S
from headway_lane.contract.tuning import AUTO
from rich.table import Table

from headway.report import wording
from headway.simulation.outcome import LimitSeen, Outcome
from headway.simulation.settings import Settings
from headway.simulator.window import US_PER_S


def table(settings: Settings, outcome: Outcome, wall_s: float) -> Table:
    """Lay out the verdict first, then each limit, then what it cost."""
    tally, binding = outcome.tally, outcome.binding
    laid = Table(title=title(settings), title_justify="left", show_header=False)
    laid.add_column(no_wrap=True)
    laid.add_column(overflow="fold")
    laid.add_row("calls", f"{outcome.calls_count:,}")
    laid.add_row(
        "virtual time",
        f"{wording.duration(outcome.virtual_us / 1_000)}, {wording.number(outcome.rate_per_s)} calls/s all in all",
    )
    laid.add_row(
        "utilisation", f"{_percent(binding.utilisation)}, at most {_percent(binding.ceiling)} {_why(settings, outcome)}"
    )
    laid.add_row("violations", f"{outcome.violation_count:,}", style="red" if outcome.violation_count else "green")
    laid.add_section()
    for limit in outcome.limits:
        laid.add_row(f"worst {_window(limit)}", _worst(limit))
    laid.add_section()
    laid.add_row("permits missed", f"{tally.missed_count:,}")
    laid.add_row("late answers", f"{tally.late_count:,}, {tally.rebase_count:,} moved what was reserved")
    others = {
        "permits called back": tally.void_count,
        "dispatchers crashed": tally.crash_count,
        "duplicates dropped": tally.duplicate_count,
        "back to the queue": tally.returned_count,
    }
    for name, count in others.items():
        if count:
            laid.add_row(name, f"{count:,}")
    laid.add_section()
    laid.add_row("reservations per call", f"{tally.write_count / outcome.calls_count:.3f} writes")
    laid.add_row("lost races per call", f"{tally.lost_race_count / outcome.calls_count:.3f} writes refused")
    laid.add_row("reads per call", f"{tally.read_count / outcome.calls_count:.1f}")
    laid.add_row("wall time", f"{wall_s:.1f} s")
    return laid


def backlog(outcome: Outcome) -> str:
    """Say how long it took until the last call of a backlog had arrived."""
    return f"A backlog of {outcome.calls_count:,} calls takes {wording.duration(outcome.virtual_us / 1_000)}."


def title(settings: Settings) -> str:
    """Say in a line what was simulated."""
    limits = " and ".join(f"{limit.amount}/{limit.per_s:g}" for limit in settings.limits)
    vendors = f"{settings.vendors_count:,} vendors at {limits}" if settings.vendors_count > 1 else limits
    return (
        f"{vendors}, {settings.dispatchers_count:,} dispatchers{' each' if settings.vendors_count > 1 else ''},"
        f" jitter {_ms(settings.jitter_us)}, skew {_ms(settings.skew_us)}, headroom {_headroom(settings)}"
    )


def _why(settings: Settings, outcome: Outcome) -> str:
    binding = outcome.binding
    if len(outcome.limits) > 1:
        return f"of {binding.amount:,} per {_window(binding)}, the limit that binds"
    if settings.headroom_us is None:
        return "under the headroom that was learned"
    if binding.per_us < LONG_WINDOW_S * US_PER_S:
        return f"= 1 / (1 + {_ms(settings.headroom_us)} / {wording.duration(binding.per_us / 1_000)})"
    return "in grains of a quota"


def _window(limit: LimitSeen) -> str:
    return wording.window(limit.per_us / US_PER_S)


def _worst(limit: LimitSeen) -> str:
    violations = f", {limit.violation_count:,} violations" if limit.violation_count else ""
    return f"{limit.worst_count:,} of {limit.amount:,} calls{violations}, utilisation {_percent(limit.utilisation)}"


def _percent(share: float | None) -> str:
    return wording.MISSING if share is None else f"{share * 100:.2f} %"


def _headroom(settings: Settings) -> str:
    return AUTO if settings.headroom_us is None else _ms(settings.headroom_us)


def _ms(time_us: int) -> str:
    return f"{time_us / 1_000:g} ms"
