"""The `vendor` command: runs the simulator in the foreground and prints what it saw."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from headway.simulator.offer import Limit, Offer
    from headway.simulator.report import VendorReport


def vendor(
    shape: Annotated[str, typer.Option(help="Whose API to speak, closely; `replicate` is known.")] = "replicate",
    contract: Annotated[
        Path | None,
        typer.Option(help="Contract file: speak and sell what it describes, instead of a shape.", show_default=False),
    ] = None,
    callback_url: Annotated[
        str | None,
        typer.Option(
            help="Where to call back if submits do not say; what `headway up` deployed unless given.",
            show_default=False,
        ),
    ] = None,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 takes a free one.", min=0, max=65535)] = 9100,
    submit_rate: Annotated[
        str | None, typer.Option(help="Contract for submits: CALLS/SECONDS; the file's, or 10/1.", show_default=False)
    ] = None,
    poll_rate: Annotated[
        str | None,
        typer.Option(help="Contract for all other calls: CALLS/SECONDS; the file's, or 50/1.", show_default=False),
    ] = None,
    in_flight: Annotated[
        int | None,
        typer.Option(help="Contract for jobs at one time; the file's, or no limit.", min=1, show_default=False),
    ] = None,
    job_time: Annotated[float, typer.Option(help="Seconds from accepting a job to its callback.", min=0)] = 5.0,
    answer_time: Annotated[float, typer.Option(help="Seconds to answer a submit.", min=0)] = 0.05,
    answer_jitter: Annotated[
        float, typer.Option(help="Mean seconds of an exponential delay on top of that.", min=0)
    ] = 0.0,
    fail_ratio: Annotated[float, typer.Option(help="Share of the jobs that end failed.", min=0, max=1)] = 0.0,
    seed: Annotated[int, typer.Option(help="Makes the choice of failing jobs repeatable.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    state_dir: Annotated[Path, typer.Option(help="Where the vendor's keys are kept.")] = Path(".headway"),
) -> None:
    """Run a simulated vendor that sells a contract and reports, on Ctrl-C, what it saw at its door.

    Calls beyond the contract are answered 429. The API token and the webhook
    secret are in vendor-keys.json in the state directory, made there on first
    use; they are never printed.

    For example:

        headway vendor

        headway vendor --submit-rate 20/1 --job-time 2 --fail-ratio 0.05

        headway vendor --in-flight 30 --job-time 10

        headway vendor --port 9200 --submit-rate 600/60 --json > report.json

        headway vendor --contract config/appconfig/vendors/mux.yaml

    While it runs: GET /_headway/report (?arrivals=1 adds the time of every
    call, ?tags=FIELD this field of every accepted payload), POST /_headway/reset, POST /_headway/faults {"down": true}.
    """
    # Here and not above: the other commands need not wait for a web server to be imported.
    from rich.console import Console

    from headway.errors import mendable
    from headway.simulator.keys import KeysUnreadableError, load_or_create
    from headway.simulator.offer import Offer
    from headway.simulator.server import PortInUse, serve
    from headway.simulator.simulator import SHAPES, CannotBePlayed, Role

    if shape not in SHAPES:
        raise typer.BadParameter(f"{shape!r} is not known; known: {', '.join(SHAPES)}", param_hint="--shape")
    with mendable():
        document = _contract(contract) if contract else None
    name = document["vendor"] if document else shape
    sold = Sold.by(document) if document else Sold()
    status = Console(stderr=True)  # stdout carries the report alone
    try:
        offer = Offer(
            keys=load_or_create(state_dir, name),
            submit=_limit(submit_rate or sold.submit_rate, "--submit-rate"),
            poll=_limit(poll_rate or sold.poll_rate, "--poll-rate"),
            in_flight=in_flight or sold.in_flight,
            shared=sold.shared,
            job_time_s=job_time,
            answer_time_s=answer_time,
            answer_jitter_s=answer_jitter,
            fail_ratio=fail_ratio,
            seed=seed,
        )
        report = serve(
            offer,
            role=Role.described(document) if document else Role.named(shape),
            callback_url=callback_url or _deployed_url(state_dir, name),
            port=port,
            on_ready=lambda url: status.print(_banner(name, url, offer)),
        )
    except (PortInUse, KeysUnreadableError, CannotBePlayed) as error:
        status.print(f"[red]{error}[/red]", highlight=False)
        raise typer.Exit(1) from None
    if as_json:
        typer.echo(json.dumps(report.as_json(), indent=2))
    else:
        Console().print(report_table(report))


def report_table(report: "VendorReport") -> "Table":
    """Lay the report out for a terminal: one column per scope, and what has no scope below."""
    from rich.table import Table

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
    places = report.jobs_in_flight
    totals = {
        "jobs in flight (contract)": "-" if places.limit is None else places.limit,
        "worst jobs in flight": places.worst_count,
        "violations in flight": places.violation_count,
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


@dataclass(frozen=True, slots=True)
class Sold:
    """What the simulator sells unless an option says otherwise."""

    submit_rate: str = "10/1"
    poll_rate: str = "50/1"
    in_flight: int | None = None
    shared: bool = False

    @classmethod
    def by(cls, contract: Mapping[str, Any]) -> "Sold":
        """Take the tightest limit of each scope: the simulator judges by one."""
        from headway_lane.contract.limits import Scope
        from headway_lane.contract.vendor import Vendor

        vendor = Vendor.from_document(contract)
        rates = {}
        for scope in (Scope.SUBMIT, Scope.POLL):
            limits = vendor.limits_of(scope)
            if limits:
                tightest = min(limits, key=lambda limit: limit.rate_per_s)
                rates[f"{scope}_rate"] = f"{tightest.amount}/{tightest.per_s:g}"
        return cls(**rates, in_flight=vendor.jobs_in_flight, shared=vendor.budget_scope(Scope.SUBMIT) is Scope.ANY)


def _contract(path: Path) -> Mapping[str, Any]:
    from headway_cdk.configuration import load_contract
    from headway_cdk.resources import CONFIGURATION

    return load_contract(CONFIGURATION, path)


def _deployed_url(state_dir: Path, vendor_name: str) -> str | None:
    """Return the callback URL of what is deployed on the embedded cloud; None where nothing is."""
    from headway.deployment.stack import NotDeployed, Stack

    try:
        return Stack.local(state_dir).callback_url(vendor_name)
    except NotDeployed:
        return None


def _limit(text: str, option: str) -> "Limit":
    from headway.simulator.offer import Limit

    try:
        return Limit.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def _banner(shape: str, url: str, offer: "Offer") -> str:
    jobs = "" if offer.in_flight is None else f", {offer.in_flight} jobs in flight,"
    return f"{shape} sells {offer.submit} submits and {offer.poll} other calls{jobs} at {url} - Ctrl-C ends and reports"
