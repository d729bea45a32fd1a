"""The report's page: a run's summary in, one HTML file out that loads nothing and runs nothing."""

import os
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from headway.report import plots, wording
from headway.report.figures import (
    STAGES,
    ReachedPace,
    contract_rate_per_s,
    duration_ms,
    failures,
    pace,
    spread,
    succeeded,
    vendor_counts,
    worst_first,
)
from headway.report.model import SUCCEEDED, CallTimes, RunSummary

_MOST_CALLS = 200


def render(summary: RunSummary) -> str:
    """Return the report as HTML; equal summaries give equal bytes."""
    environment = Environment(
        loader=PackageLoader("headway.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    against = pace(summary)
    rate, of_contract = _rates(summary, against)
    wins = succeeded(summary.calls)
    return environment.get_template("page.html.jinja").render(
        run=summary,
        pace=against,
        rate=rate,
        of_contract=of_contract,
        share=wording.share(against.share),
        wins=wins,
        verdict=verdict(summary),
        mood=_mood(against, wins, len(summary.calls)),
        whole=spread(summary.calls, STAGES[-1]),
        stages=[(stage, spread(summary.calls, stage)) for stage in STAGES],
        failures=failures(summary.calls),
        vendor=vendor_counts(summary.vendor_report),
        rate_plot=plots.rate_over_time(summary),
        latency_plot=plots.latency_spread(summary),
        calls=[_row(call) for call in worst_first(summary.calls, _MOST_CALLS)],
        say=wording,
    )


def write(summary: RunSummary, path: Path) -> Path:
    """Write the report to `path` and return it; a reader sees the old file or the new one, never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(render(summary), encoding="utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path


def verdict(summary: RunSummary) -> str:
    """Say the run in one line: 100 of 100 succeeded · 9.1 calls/s of 10/s (91 %) · 0 violations."""
    if not summary.calls:
        return "No calls were made"
    against = pace(summary)
    rate, of_contract = _rates(summary, against)
    reached = "too few calls sent to measure a rate"
    if rate is not None:
        reached = f"{rate.replace('/', ' calls/')} of {of_contract} ({wording.share(against.share)})"
    violations = "1 violation" if against.violations == 1 else f"{against.violations:,} violations"
    return f"{succeeded(summary.calls):,} of {len(summary.calls):,} succeeded · {reached} · {violations}"


def _rates(summary: RunSummary, against: ReachedPace) -> tuple[str | None, str]:
    """Say the rate reached and the contract's in one unit, such as 9.1/s and 10/s."""
    contracted = contract_rate_per_s(summary.contract)
    unit_s, unit = wording.rate_unit(contracted)
    reached = None if against.rate_per_s is None else f"{wording.number(against.rate_per_s * unit_s)}/{unit}"
    return reached, f"{wording.number(contracted * unit_s)}/{unit}"


def _mood(against: ReachedPace, wins: int, calls: int) -> str:
    if against.violations or (calls and not wins):
        return "bad"
    return "good" if calls and wins == calls else "mixed"


def _row(call: CallTimes) -> dict[str, object]:
    return {
        "line": call.line,
        "execution": call.execution,
        "failed": call.outcome != SUCCEEDED,
        "outcome": call.outcome,
        "error": call.error,
        "times": [wording.duration(duration_ms(call, stage)) for stage in STAGES],
    }
