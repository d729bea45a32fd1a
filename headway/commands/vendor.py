"""The `vendor` command: runs the simulator in the foreground and prints what it saw."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headway.commands.options import StateDir
from headway.deployment.places import SIMULATOR_PORT
from headway.errors import CannotBePlayed, KeysUnreadable, PortInUse
from headway.terminal import console

if TYPE_CHECKING:
    from headway.simulator.offer import Offer
    from headway.simulator.rate import Rate

NOT_SERVED = 1
"""Exit code where the simulator cannot serve."""


def vendor(
    *,
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
    port: Annotated[
        int, typer.Option(help="Port on 127.0.0.1; 0 takes a free one.", min=0, max=65535)
    ] = SIMULATOR_PORT,
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
    way_jitter: Annotated[
        float, typer.Option(help="Mean seconds of an exponential delay before a call is counted: the network's.", min=0)
    ] = 0.0,
    fail_ratio: Annotated[float, typer.Option(help="Share of the jobs that end failed.", min=0, max=1)] = 0.0,
    seed: Annotated[int, typer.Option(help="Makes the choice of failing jobs repeatable.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    state_dir: StateDir,
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
    from dataclasses import replace

    from headway_lane.contract.vendor import Vendor

    from headway.commands.vendor_table import report_table
    from headway.deployment.contracts import contract_document
    from headway.partner.webhook import callback_url_if_any
    from headway.simulator.keys import load_or_create
    from headway.simulator.offer import Offer
    from headway.simulator.server import serve
    from headway.simulator.simulator import SHAPES, Role

    if shape not in SHAPES:
        raise typer.BadParameter(f"{shape!r} is not known; known: {', '.join(SHAPES)}", param_hint="--shape")
    document = contract_document(contract) if contract else None
    name = document["vendor"] if document else shape
    status = console(stderr=True)  # stdout carries the report alone
    try:
        keys = load_or_create(state_dir, name)
        sold = Offer.of(Vendor.from_document(document), keys) if document else Offer(keys=keys)
        offer = replace(
            sold,
            submit=_rate(submit_rate, "--submit-rate") or sold.submit,
            poll=_rate(poll_rate, "--poll-rate") or sold.poll,
            in_flight=in_flight or sold.in_flight,
            job_time_s=job_time,
            answer_time_s=answer_time,
            answer_jitter_s=answer_jitter,
            way_jitter_s=way_jitter,
            fail_ratio=fail_ratio,
            seed=seed,
        )
        report = serve(
            offer,
            role=Role.described(document) if document else Role.named(shape),
            callback_url=callback_url or callback_url_if_any(name, state_dir),
            port=port,
            on_ready=lambda url: status.print(_banner(name, url, offer)),
        )
    except (CannotBePlayed, KeysUnreadable, PortInUse) as problem:
        status.print(str(problem), style="red")
        raise typer.Exit(NOT_SERVED) from None
    if as_json:
        typer.echo(json.dumps(report.as_json(), indent=2))
    else:
        console().print(report_table(report))


def _rate(text: str | None, option: str) -> "Rate | None":
    from headway.simulator.rate import Rate

    try:
        return Rate.parse(text) if text else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def _banner(shape: str, url: str, offer: "Offer") -> str:
    jobs = "" if offer.in_flight is None else f", {offer.in_flight} jobs in flight,"
    return f"{shape} sells {offer.submit} submits and {offer.poll} other calls{jobs} at {url} - Ctrl-C ends and reports"
