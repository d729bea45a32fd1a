"""The `status` command: is the embedded cloud up, what waits where, which in-flight permits are taken, and who is
cooling down why.
"""

import json
import time
from typing import TYPE_CHECKING, Annotated

import typer

from headway.commands.options import AsJson, ConfigDir, Profile, Region, Stage, StateDir, Target
from headway.deployment.target_name import TargetName
from headway.errors import NotRunning
from headway.terminal import console, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from headway.operations.budgets import BudgetStatus, RuleBeside
    from headway.operations.status import DeploymentStatus

WATCH_S = 2.0
NOT_RUNNING = 3
"""Exit code where nothing runs, as init scripts have it (LSB)."""


def status(
    *,
    vendor: Annotated[str | None, typer.Argument(help="Only one vendor.", show_default=False)] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Look again every two seconds, until Ctrl-C.")] = False,
    as_json: AsJson = False,
    target: Target = TargetName.LOCAL,
    profile: Profile = None,
    region: Region = None,
    config_dir: ConfigDir = None,
    stage: Stage = None,
    state_dir: StateDir,
) -> None:
    """Show what waits in the queues, the rate against the contract in the last
    minutes, callbacks by outcome, alarms that ring, how many jobs in flight a
    limited vendor has, what its budgets are cooling down by, and what they have
    learned: the headroom in force, and from how many calls.

    Exit codes: 0 it runs, 2 it runs but nothing is deployed, 3 it does not run.

    For example:

        headway status

        headway status acme --watch

        headway status --target aws --region eu-central-1

        headway status --json | jq '.lanes[].waiting_count'

        headway status --json | jq '.budgets[] | select(.circuit != "closed")'

        headway status --json | jq '.budgets[].learned.headroom_ms'
    """
    from headway.deployment.connection import connect
    from headway.deployment.projects import project_here
    from headway.operations.status import deployment_status

    try:
        project = project_here(config_dir, stage)
        connection = connect(target, profile=profile, region=region, state_dir=state_dir, stage=project.stage)
    except NotRunning:
        say(json.dumps({"running": False}) if as_json else "No embedded cloud is running.")
        raise typer.Exit(NOT_RUNNING) from None
    while True:
        now_us = time.time_ns() // 1_000
        found = deployment_status(connection, now_us, project.configuration, vendor=vendor, measured=True)
        if watch and not as_json:
            console().clear()
        _show(found, as_json=as_json, indent=None if watch else 2)
        if not watch:
            return
        time.sleep(WATCH_S)


def _show(found: "DeploymentStatus", *, as_json: bool, indent: int | None) -> None:
    if as_json:
        typer.echo(json.dumps(found.as_json(), indent=indent))
        return
    out = console()
    if found.cloud:
        out.print(f"The embedded cloud listens at {found.cloud.endpoint_url} (pid {found.cloud.pid}).")
    out.print(queues_table(found))
    if found.budgets:
        out.print(budgets_table(found.budgets))
        out.print(learned_table(found.budgets))
    if found.measures:
        out.print(measures_table(found))
    for measures in found.measures:
        for ringing in measures.ringing:
            out.print(f"ALARM {measures.vendor} {ringing.alarm}: {ringing.runbook}")


def measures_table(status: "DeploymentStatus") -> "Table":
    """Lay out the last minutes of every lane."""
    from rich.table import Table

    table = Table(
        "vendor", "accepted/s, newest minute first", "contract/s", "oldest waits", "callbacks", "p99 to socket"
    )
    for lane in status.measures:
        rates = "  ".join(f"{rate:.2f}" for rate in lane.accepted_per_s)
        contract = status.contracts_per_s.get(lane.vendor)
        callbacks = ", ".join(f"{count:,} {name.removeprefix('Callbacks')}" for name, count in lane.callbacks.items())
        age, late = lane.oldest_age_s, lane.slot_to_socket_p99_ms
        table.add_row(
            lane.vendor,
            rates,
            "" if contract is None else f"{contract:g}",
            "" if age is None else f"{age:.0f} s",
            callbacks,
            "" if late is None else f"{late:.0f} ms",
        )
    return table


def queues_table(status: "DeploymentStatus") -> "Table":
    """Lay out the queues of every lane, one below the other."""
    from rich.table import Table

    table = Table("queue", "waiting", "in flight", "soft limit", "dead letters", "in-flight permits taken")
    for lane in status.lanes:
        counts = (lane.waiting_count, lane.in_flight_count, lane.soft_limit_count, lane.dead_count)
        limit = lane.jobs_in_flight_limit
        taken = "" if limit is None else f"{lane.jobs_in_flight_count} of {limit}"
        table.add_row(f"requests to {lane.vendor}", *map(str, counts), taken)
        if lane.urgent_waiting_count is not None:
            urgent = (lane.urgent_waiting_count, lane.urgent_in_flight_count)
            table.add_row(f"urgent requests to {lane.vendor}", *map(str, urgent), "", "", "")
        if lane.callbacks_waiting_count is not None:
            waiting, dead = str(lane.callbacks_waiting_count), str(lane.callbacks_dead_count)
            table.add_row(f"callbacks of {lane.vendor}", waiting, "", "", dead, "")
    return table


def budgets_table(budgets: "Sequence[BudgetStatus]") -> "Table":
    """Lay out the budgets: when the next call may leave, and what holds it back."""
    from rich.table import Table

    table = Table("budget", "next free slot", "cooling down", "circuit")
    for budget in budgets:
        reason = budget.cool_down_reason
        cooling_down = f"{budget.cool_down_for_s:.1f} s more: {reason}" if reason else ""
        table.add_row(f"{budget.vendor} {budget.scope}", f"in {budget.free_in_s:.1f} s", cooling_down, budget.circuit)
    return table


def learned_table(budgets: "Sequence[BudgetStatus]") -> "Table":
    """Lay out what is learned, the count of today where there is a cap, and the rules that stand beside the own one."""
    from rich.table import Table

    table = Table("budget", "headroom", "calls remembered", "today", "beside")
    for budget in budgets:
        learned = budget.learned
        today = "" if learned.day_amount is None else f"{learned.day_count} of {learned.day_amount}"
        beside = "\n".join(_beside(rule) for rule in learned.rules_beside)
        name, headroom = f"{budget.vendor} {budget.scope}", f"{learned.headroom_ms:g} ms"
        table.add_row(name, headroom, str(learned.calls_count), today, beside)
    return table


def _beside(rule: "RuleBeside") -> str:
    pace = f"{rule.pace_per_s:g} calls/s, headroom {rule.headroom_ms:g} ms"
    what = f"the vendor says: {rule.announced}" if rule.announced else pace
    return f"{what}, for {rule.for_s:.0f} s more"
