"""What a run says when it is over: a table, where the files are, and how to go on."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from headway.report import wording
from headway.report.figures import WHOLE, contract_rate_per_s, pace, spread
from headway.run.results import LineOutcome
from headway.run.run_result import RunResult, VendorRun


def table(result: RunResult) -> Table:
    """Lay out counts, pace and latency of each vendor, and the failures by error name."""
    laid = Table(title=f"{result.workflow} on {result.target}", title_justify="left", show_header=False)
    laid.add_column(no_wrap=True)
    laid.add_column(overflow="fold")
    laid.add_row("succeeded", f"{result.count(LineOutcome.SUCCEEDED):,}")
    others = {
        "failed": result.count(LineOutcome.FAILED),
        "invalid lines": result.count(LineOutcome.INVALID),
        "skipped, succeeded before": result.skipped_count,
        "still going on": result.open_count,
        "not started": result.unstarted_count,
    }
    for name, count in others.items():
        if count:
            laid.add_row(name, f"{count:,}")
    for vendor, run in result.vendors.items():
        if any(call.queued_epoch_ms is not None for call in run.summary.calls):
            laid.add_section()
            laid.add_row(f"calls/s to {vendor}", _pace(run))
            laid.add_row("latency", _latency(run))
    if result.failures:
        laid.add_section()
    for failure in result.failures:
        cause = f"{failure.count:,} x, first: {wording.cause(failure.first_cause)}"
        laid.add_row(Text(failure.error, style="red"), Text(cause))
    return laid


def say_files(result: RunResult, console: Console) -> None:
    """Print the paths of report and results, unwrapped so that they can be copied."""
    for run in result.vendors.values():
        if run.report is not None:
            console.print(f"report   {run.report}", soft_wrap=True)
    if result.counts:
        console.print(f"results  {result.results}", soft_wrap=True)


def say_reasons(result: RunResult, console: Console) -> None:
    """Print why lines could not be called."""
    left = result.count(LineOutcome.INVALID) - len(result.bad_lines)
    for reason in [*result.bad_lines, *([f"{left:,} more bad lines in {result.results}"] if left > 0 else [])]:
        console.print(reason, style="red", soft_wrap=True)


def interruption(result: RunResult, *, again: bool) -> str:
    """Say what goes on after Ctrl-C, and how to pick it up."""
    pick_up = "The same command takes them up, and calls none of them twice."
    if again:
        pick_up = "With --again the same command takes them up, but repeats what has ended by then."
    return f"Interrupted; under way: {result.open_count:,}, not started: {result.unstarted_count:,}. {pick_up}"


def _pace(run: VendorRun) -> str:
    reached, contract = pace(run.summary), contract_rate_per_s(run.summary.contract)
    seconds, unit = wording.rate_unit(contract)
    sold = f"{wording.number(contract * seconds)}/{unit}"
    if reached.rate_per_s is None:
        return f"too few calls to measure, contract {sold}"
    rate = f"{wording.number(reached.rate_per_s * seconds)}/{unit}"
    violations = "1 violation" if reached.violations == 1 else f"{reached.violations:,} violations"
    return f"{rate} of {sold} ({wording.share(reached.share)}), {violations}"


def _latency(run: VendorRun) -> str:
    whole = spread(run.summary.calls, WHOLE)
    if whole is None:
        return wording.MISSING
    return f"p50 {wording.duration(whole.p50_ms)}, p99 {wording.duration(whole.p99_ms)}"
