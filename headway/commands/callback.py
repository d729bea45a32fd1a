"""The `callback` commands, for partners: send a signed callback, see why one is refused, read the webhook's OpenAPI."""

import json
import os
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.errors import UsageProblem, mendable

if TYPE_CHECKING:
    from headway_lane.contract.exchange import Callback
    from headway_lane.contract.vendor import Vendor

KEY_VARIABLE = "HEADWAY_WEBHOOK_KEY"
TIMEOUT_S = 10.0

app = typer.Typer(
    name="callback",
    help="For partners: send, verify and receive callbacks, as a contract file describes them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Contract = Annotated[Path, typer.Argument(help="Contract file of the vendor.")]
StateDir = Annotated[Path, typer.Option(help="Where the simulator keeps its keys, and `headway up` its state.")]
Url = Annotated[
    str | None,
    typer.Option(help="Callback URL; that of `headway up` on this machine unless given.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
STATE_DIR = Path(".headway")


@app.command()
def send(
    contract: Contract,
    job_id: Annotated[str, typer.Option(help="Job that the callback is about.")],
    status: Annotated[
        str | None, typer.Option(help="Its status, in the vendor's words; its first success unless given.")
    ] = None,
    url: Url = None,
    as_json: AsJson = False,
    state_dir: StateDir = STATE_DIR,
) -> None:
    """Sign a callback as the contract says, and post it.

    The key is taken from the environment (HEADWAY_WEBHOOK_KEY), or is the
    simulator's of this machine; it is never an argument, which others could read.

    Exit codes: 0 it was stored, 1 it was not, 2 something is wrong with what was asked for.

    For example:

        headway callback send config/appconfig/vendors/replicate.yaml --job-id abc

        headway callback send mux.yaml --job-id abc --status video.asset.errored --url https://...
    """
    import httpx

    from headway.simulator.event import compose
    from headway.simulator.signed_callback import write

    document, vendor, callback = _read(contract)
    word = status or next(iter(document["callback"].get("success", ())), None)
    target = url or _deployed_url(state_dir, vendor.name)
    event = compose(vendor, job_id, word, {"note": "sent by hand"})
    now = datetime.now(tz=UTC)
    dead_letter = write(
        callback, _keys(vendor.name, callback, state_dir)[0], f"msg_{job_id}_{word}", event, target, now
    )
    try:
        answer = httpx.post(
            target, content=dead_letter.content, headers=dead_letter.headers, timeout=TIMEOUT_S, trust_env=False
        )
    except (httpx.TransportError, httpx.InvalidURL) as error:
        raise UsageProblem(f"--url {target}: {error or type(error).__name__}") from error
    stored = answer.is_success
    if as_json:
        typer.echo(json.dumps({"stored": stored, "status": answer.status_code, "body": answer.text}, indent=2))
    else:
        typer.echo(f"{'stored' if stored else 'not stored'}: HTTP {answer.status_code} {answer.text}")
    raise typer.Exit(0 if stored else 1)


@app.command()
def verify(
    contract: Contract,
    body: Annotated[Path, typer.Option(help="The raw body, byte for byte as it was sent.")],
    header: Annotated[list[str] | None, typer.Option(help="`Name: value`; may be repeated.")] = None,
    at: Annotated[
        float | None, typer.Option(help="Epoch seconds of its arrival; now unless given.", show_default=False)
    ] = None,
    url: Url = None,
    as_json: AsJson = False,
    state_dir: StateDir = STATE_DIR,
) -> None:
    """Say whether a callback would be taken, and why not.

    The key is taken as by `send`. The URL counts where the vendor signs it.

    Exit codes: 0 it would be taken, 1 it would not, 2 something is wrong with what was asked for.

    For example:

        headway callback verify mux.yaml --body body.json --header 'Mux-Signature: t=1614265330,v1=5f3c...'

        headway callback verify acme.yaml --body body.json --header "X-Token: $TOKEN" --at 1614265330 --json
    """
    from headway.partner.judgement import judge

    _, vendor, callback = _read(contract)
    try:
        raw = body.read_bytes()
    except OSError as error:
        raise UsageProblem(f"--body {body}: {error.strerror}") from error
    headers = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in header or [])}
    arrived_s = time.time() if at is None else at
    keys = _keys(vendor.name, callback, state_dir)
    judgement = judge(callback, raw, headers, keys, arrived_s, url or _url_if_any(state_dir, vendor.name))
    if as_json:
        typer.echo(json.dumps(judgement.as_json(), indent=2))
    else:
        for one in judgement.events:
            typer.echo(f"{one.job_id}: {one.status} ({one.kind})")
        typer.echo("accepted" if judgement.accepted else judgement.reason)
    raise typer.Exit(0 if judgement.accepted else 1)


@app.command()
def serve(
    contract: Contract,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 takes a free one.", min=0, max=65535)] = 9200,
    as_json: AsJson = False,
    state_dir: StateDir = STATE_DIR,
) -> None:
    """Receive callbacks on this machine until Ctrl-C, and say of each whether it would be taken.

    Nothing is stored or forwarded. Bodies, signatures and keys are not printed.

    For example:

        headway callback serve config/appconfig/presets/twilio.yaml
    """
    from headway.partner import reception

    _, vendor, callback = _read(contract)

    def say(judgement: Any) -> None:
        told = ", ".join(f"{one.job_id} {one.status} ({one.kind})" for one in judgement.events)
        typer.echo(json.dumps(judgement.as_json()) if as_json else f"{judgement.reason or 'accepted'}  {told}".rstrip())

    with mendable():
        reception.serve(
            vendor.name,
            callback,
            _keys(vendor.name, callback, state_dir),
            port,
            on_ready=lambda url: typer.echo(f"waiting for callbacks at {url} - Ctrl-C ends", err=True),
            on_callback=say,
        )


@app.command()
def openapi(contract: Contract, url: Url = None, state_dir: StateDir = STATE_DIR) -> None:
    """Print the OpenAPI document of the webhook, for generators and fuzzers.

    For example:

        headway callback openapi config/appconfig/presets/mux.yaml --url https://example.com/callbacks/mux
    """
    from headway.partner.openapi import openapi as draw

    _, vendor, callback = _read(contract)
    typer.echo(json.dumps(draw(vendor.name, callback, url or _deployed_url(state_dir, vendor.name)), indent=2))


def _read(path: Path) -> tuple[Mapping[str, Any], "Vendor", "Callback"]:
    """Return the contract of a file, as document and as model, and what it says of callbacks."""
    from headway_cdk.configuration import load_contract
    from headway_cdk.resources import CONFIGURATION
    from headway_lane.contract.vendor import Vendor

    with mendable():
        document = load_contract(CONFIGURATION, path)
    vendor = Vendor.from_document(document)
    if vendor.callback is None:
        raise UsageProblem(f"{path}: `callback` is missing: {vendor.name} is polled, and calls nobody back")
    return document, vendor, vendor.callback


def _keys(vendor_name: str, callback: "Callback", state_dir: Path) -> Sequence[str]:
    """Return the webhook keys of the environment, or the simulator's."""
    from headway_lane.verification.keys import keys_of

    from headway.simulator.keys import load_or_create

    if given := os.environ.get(KEY_VARIABLE):
        return keys_of(given)
    with mendable():
        return [load_or_create(state_dir, vendor_name).webhook_key(callback.verification)]


def _deployed_url(state_dir: Path, vendor_name: str) -> str:
    from headway.deployment.stack import Stack

    with mendable():
        return Stack.local(state_dir).callback_url(vendor_name)


def _url_if_any(state_dir: Path, vendor_name: str) -> str:
    try:
        return _deployed_url(state_dir, vendor_name)
    except UsageProblem:
        return ""
