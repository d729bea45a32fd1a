"""The `callback` commands, for partners: send a signed callback, see why one is refused, read the webhook's OpenAPI."""

import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headway.commands.options import AsJson, StateDir
from headway.errors import UsageProblem
from headway.terminal import say

if TYPE_CHECKING:
    from headway.partner.judgement import Judgement

KEY_VARIABLE = "HEADWAY_WEBHOOK_KEY"

app = typer.Typer(
    name="callback",
    help="For partners: send, verify and receive callbacks, as a contract file describes them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Contract = Annotated[Path, typer.Argument(help="Contract file of the vendor.")]
Url = Annotated[
    str | None,
    typer.Option(help="Callback URL; that of `headway up` on this machine unless given.", show_default=False),
]


@app.command()
def send(
    *,
    contract: Contract,
    job_id: Annotated[str, typer.Option(help="Job that the callback is about.")],
    status: Annotated[
        str | None, typer.Option(help="Its status, in the vendor's words; its first success unless given.")
    ] = None,
    url: Url = None,
    as_json: AsJson = False,
    state_dir: StateDir,
) -> None:
    """Sign a callback as the contract says, and post it.

    The key is taken from the environment (HEADWAY_WEBHOOK_KEY), or is the
    simulator's of this machine; it is never an argument, which others could read.

    Exit codes: 0 it was stored, 1 it was not, 2 something is wrong with what was asked for.

    For example:

        headway callback send config/appconfig/vendors/replicate.yaml --job-id abc

        headway callback send mux.yaml --job-id abc --status video.asset.errored --url https://...
    """
    from headway.partner import sending
    from headway.partner.webhook import PartnerWebhook, deployed_callback_url

    webhook = PartnerWebhook.read(contract)
    target = url or deployed_callback_url(webhook.vendor.name, state_dir)
    key = webhook.keys(os.environ.get(KEY_VARIABLE), state_dir)[0]
    sent = sending.send(webhook, job_id, status, key=key, url=target, now=datetime.now(tz=UTC))
    if as_json:
        typer.echo(json.dumps({"stored": sent.stored, "status": sent.status, "body": sent.body}, indent=2))
    else:
        say(f"{'stored' if sent.stored else 'not stored'}: HTTP {sent.status} {sent.body}")
    raise typer.Exit(0 if sent.stored else 1)


@app.command()
def verify(
    *,
    contract: Contract,
    body: Annotated[Path, typer.Option(help="The raw body, byte for byte as it was sent.")],
    header: Annotated[list[str] | None, typer.Option(help="`Name: value`; may be repeated.")] = None,
    at: Annotated[
        float | None, typer.Option(help="Epoch seconds of its arrival; now unless given.", show_default=False)
    ] = None,
    url: Url = None,
    as_json: AsJson = False,
    state_dir: StateDir,
) -> None:
    """Say whether a callback would be taken, and why not.

    The key is taken as by `send`. The URL counts where the vendor signs it.

    Exit codes: 0 it would be taken, 1 it would not, 2 something is wrong with what was asked for.

    For example:

        headway callback verify mux.yaml --body body.json --header 'Mux-Signature: t=1614265330,v1=5f3c...'

        headway callback verify acme.yaml --body body.json --header "X-Token: $TOKEN" --at 1614265330 --json
    """
    from headway.partner.judgement import judge
    from headway.partner.webhook import PartnerWebhook, callback_url_if_any

    webhook = PartnerWebhook.read(contract)
    try:
        raw = body.read_bytes()
    except OSError as error:
        raise UsageProblem(f"--body {body}: {error.strerror}") from error
    headers = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in header or [])}
    arrived_s = time.time() if at is None else at
    keys = webhook.keys(os.environ.get(KEY_VARIABLE), state_dir)
    signed_url = url or callback_url_if_any(webhook.vendor.name, state_dir) or ""
    judgement = judge(webhook.callback, raw, headers, keys, arrived_s, signed_url)
    if as_json:
        typer.echo(json.dumps(judgement.as_json(), indent=2))
    else:
        for one in judgement.events:
            say(f"{one.job_id}: {one.status} ({one.kind})")
        say(judgement.reason or "accepted")
    raise typer.Exit(0 if judgement.accepted else 1)


@app.command()
def serve(
    *,
    contract: Contract,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 takes a free one.", min=0, max=65535)] = 9200,
    as_json: AsJson = False,
    state_dir: StateDir,
) -> None:
    """Receive callbacks on this machine until Ctrl-C, and say of each whether it would be taken.

    Nothing is stored or forwarded. Bodies, signatures and keys are not printed.

    For example:

        headway callback serve config/appconfig/presets/twilio.yaml
    """
    from headway.partner import reception
    from headway.partner.webhook import PartnerWebhook

    webhook = PartnerWebhook.read(contract)

    def tell(judgement: "Judgement") -> None:
        told = ", ".join(f"{one.job_id} {one.status} ({one.kind})" for one in judgement.events)
        say(json.dumps(judgement.as_json()) if as_json else f"{judgement.reason or 'accepted'}  {told}".rstrip())

    reception.serve(
        webhook.vendor.name,
        webhook.callback,
        webhook.keys(os.environ.get(KEY_VARIABLE), state_dir),
        port,
        on_ready=lambda url: say(f"waiting for callbacks at {url} - Ctrl-C ends", err=True),
        on_callback=tell,
    )


@app.command()
def openapi(*, contract: Contract, url: Url = None, state_dir: StateDir) -> None:
    """Print the OpenAPI document of the webhook, for generators and fuzzers.

    For example:

        headway callback openapi config/appconfig/presets/mux.yaml --url https://example.com/callbacks/mux
    """
    from headway.partner.openapi import openapi as draw
    from headway.partner.webhook import PartnerWebhook, deployed_callback_url

    webhook = PartnerWebhook.read(contract)
    target = url or deployed_callback_url(webhook.vendor.name, state_dir)
    typer.echo(json.dumps(draw(webhook.vendor.name, webhook.callback, target), indent=2))
