"""What a simulated vendor saw, as a table for the terminal: for `vendor` and for `demo`."""

from rich.table import Table

from headway.simulator.vendor_report import VendorReport


def report_table(report: VendorReport) -> Table:
    """Lay the report out for a terminal: one column per scope, and what has no scope below."""
    table = Table("", *report.scopes, title=f"What {report.vendor} saw", title_justify="left")
    rows = {
        "contract (calls/seconds)": [scope.limit for scope in report.scopes.values()],
        "calls": [str(scope.call_count) for scope in report.scopes.values()],
        "admitted": [str(scope.admitted_count) for scope in report.scopes.values()],
        "refused": [str(scope.refused_count) for scope in report.scopes.values()],
        "worst window": [str(scope.worst_window_count) for scope in report.scopes.values()],
        "violations": [str(scope.violation_count) for scope in report.scopes.values()],
        "utilisation": [
            "-" if scope.utilisation is None else f"{scope.utilisation:.1%}" for scope in report.scopes.values()
        ],
    }
    for name, cells in rows.items():
        table.add_row(name, *cells)
    table.add_section()
    callbacks = report.callbacks
    in_flight = report.jobs_in_flight
    totals = {
        "jobs in flight (contract)": "-" if in_flight.limit is None else in_flight.limit,
        "worst jobs in flight": in_flight.worst_count,
        "violations in flight": in_flight.violation_count,
        **{f"jobs {status}": count for status, count in sorted(report.jobs_by_status.items())},
        "callbacks delivered": callbacks.delivered_count,
        "callbacks failed": callbacks.failed_count,
        "callback attempts": callbacks.attempt_count,
        "repeated idempotency keys": report.repeated_idempotency_key_count,
        "payloads submitted twice": report.payload_submitted_twice_count,
    }
    for name, count in totals.items():
        table.add_row(name, str(count))
    return table
