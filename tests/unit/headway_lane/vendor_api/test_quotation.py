"""What a vendor says of a refused submit is quoted without what we have sent it in confidence."""

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import httpx
import pytest
from headway_lane.contract.exchange import Credential
from headway_lane.runtime.errors import FailTask
from headway_lane.vendor_api.quotation import REMOVED, quoted
from headway_lane.vendor_api.submission import submission_of
from headway_lane.vendor_api.submit import DETAIL_LENGTH, submit

from tests.unit.headway_lane.fakes import CALLBACK_URL, FakeTurns, FakeVendor, not_asked, vendor_of

WEBHOOK_KEY = "whsec_MfKQ9r8GKYqrTwj/PD8I+PZIo2LaLaSw=="
TOKEN = 'name:p"as/s wörd+1'
SECRETS = {"the webhook key": WEBHOOK_KEY, "the credential": TOKEN}
ECHOES: dict[str, Callable[[str], str]] = {
    "as it is": lambda secret: f"no such key: {secret}",
    "twice": lambda secret: f"{secret} is not {secret}",
    "as JSON": lambda secret: json.dumps({"detail": [{"input": {"key": secret}}]}),
    "as JSON in UTF-8": lambda secret: json.dumps({"key": secret}, ensure_ascii=False),
    "as JSON of PHP": lambda secret: json.dumps({"key": secret}).replace("/", "\\/"),
    "in a URL": lambda secret: f"https://hooks.example/?key={quote(secret, safe='')}",
    "in a path": lambda secret: f"https://hooks.example/{quote(secret)}",
    "in a form": lambda secret: f"key={quote_plus(secret)}&more=1",
    "in base64": lambda secret: f"Basic {base64.b64encode(secret.encode()).decode()}",
    "in base64 for URLs": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode(),
    "as Python writes it": lambda secret: f"ValueError: bad key {secret!r}",
    "cut off": lambda secret: f"bad key {secret[:-3]}...",
    "cut off early": lambda secret: f"bad key {secret[:8]}...",
    "where the cause is cut": lambda secret: "x" * (DETAIL_LENGTH - 9) + secret,
    "behind the cut": lambda secret: "x" * (4 * DETAIL_LENGTH - 9) + secret,
}


def cause(echoed: str) -> str:
    """Return the cause of a submit that a vendor refuses, which was told both secrets."""
    vendor = vendor_of({"submit.callback_key": "key", "credential": {"header": "X", "format": "Basic {token_base64}"}})
    back_end = FakeVendor(httpx.Response(422, text=echoed))
    submission = submission_of(vendor, {}, "key-of-the-call", CALLBACK_URL, WEBHOOK_KEY)
    proxy = back_end.proxy(Credential("X", "Basic {token_base64}"), TOKEN)
    with pytest.raises(FailTask) as failed:
        submit(proxy, vendor, submission, FakeTurns(), not_asked, lambda _: None)
    return failed.value.cause


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES)
def test_a_secret_that_the_vendor_repeats_is_in_no_cause(echo: Callable[[str], str], secret: str) -> None:
    said = cause(echo(secret))
    known = [secret, json.dumps(secret)[1:-1], quote(secret), quote_plus(secret), quote(secret, safe="")]
    known += [base64.b64encode(secret.encode()).decode(), html.unescape(secret)]
    assert not [way for way in known if way[:8] in said]
    assert said.startswith("acme answered HTTP 422: ")
    assert len(said) <= len("acme answered HTTP 422: ") + DETAIL_LENGTH


def test_what_is_no_secret_is_quoted_as_it_is() -> None:
    said = f"no callback at {CALLBACK_URL}, key-of-the-call: whsec_ is how keys begin"
    assert cause(said) == f"acme answered HTTP 422: {said}"
    assert REMOVED in cause(f"{said} {WEBHOOK_KEY}")


def test_no_representation_shows_a_secret() -> None:
    vendor = vendor_of({"submit.callback_key": "key"})
    submission = submission_of(vendor, {}, "key-of-the-call", CALLBACK_URL, WEBHOOK_KEY)
    assert submission.secrets == [WEBHOOK_KEY]
    assert "secrets" not in repr(submission)


def test_what_would_steer_a_terminal_or_turn_a_line_is_a_space() -> None:
    text = "no\x1b[31m credit\r\n\x00 \x9bK left \u202egro.live"
    assert quoted(text, []) == "no [31m credit   K left  gro.live"
    assert quoted("Guthaben: 0 €, für 日本", []) == "Guthaben: 0 €, für 日本"
