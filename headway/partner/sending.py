"""A callback sent by hand: composed and signed as the contract says, and posted once."""

from dataclasses import dataclass
from datetime import datetime

import httpx
from headway_lane.contract.open_way import is_open
from headway_lane.contract.signature import Algorithm, Signature

from headway.errors import UsageProblem
from headway.partner.webhook import PartnerWebhook
from headway.simulator.composed_event import compose
from headway.simulator.signed_callback import write

TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class SentCallback:
    """What the receiver answered."""

    status: int
    body: str

    @property
    def stored(self) -> bool:
        """Whether the receiver has taken it."""
        return 200 <= self.status < 300


def send(
    webhook: PartnerWebhook, job_id: str, status: str | None, *, key: str, url: str, now: datetime
) -> SentCallback:
    """Post a callback about a job; `status` None is the first success of the contract.

    Raises UsageProblem where nobody answers at `url`, and where the way there is open and the key itself is sent.
    """
    _check(webhook, url)
    word = status or next(iter(webhook.document["callback"].get("success", ())), None)
    event = compose(webhook.vendor, job_id, word, {"note": "sent by hand"})
    signed = write(webhook.callback, key, f"msg_{job_id}_{word}", event, url, now)
    try:
        answer = httpx.post(url, content=signed.content, headers=signed.headers, timeout=TIMEOUT_S, trust_env=False)
    except (httpx.TransportError, httpx.InvalidURL) as error:
        raise UsageProblem(f"--url {url}: {error or type(error).__name__}") from error
    return SentCallback(answer.status_code, answer.text)


def _check(webhook: PartnerWebhook, url: str) -> None:
    verification = webhook.callback.verification
    try:
        shown = isinstance(verification, Signature) and verification.algorithm is Algorithm.STATIC and is_open(url)
    except ValueError as error:
        raise UsageProblem(f"--url {url}: {error}") from error
    if shown:
        raise UsageProblem(f"--url {url}: the key itself would be sent, and anybody on the way reads it; write https")
