"""What comes to a webhook beside callbacks: requests that schemathesis draws from the webhook's OpenAPI document, some
of them valid and some not, and raw ones that no schema describes.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

import requests
import schemathesis
from headway_lane.contract import paths
from headway_lane.contract.exchange import CONTENT_TYPES, BodyFormat
from headway_lane.contract.vendor import Vendor
from headway_lane.verification import adyen
from headway_lane.verification.schemes import scheme_of
from headway_lane.verification.signed_text import FIELDS_COUNT
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode

from headway.partner.openapi import openapi
from headway.simulator.composed_event import compose
from headway.simulator.signed_callback import sign

MODES: Final = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
TYPES: Final = (
    "application/json; charset=utf-16",
    "application/xml",
    "multipart/form-data; boundary=x",
    "nonsense",
    "text/plain",
)
METHODS: Final = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "PROPFIND", "PUT")
SIGNATURES: Final = ("$input.body", '")#set($headers = "', "${util}", "\x85\xa0\xff", "=,=,;", "v1," * 1_000)
"""Values of signature headers: what a mapping template might run instead of quoting it, and what parts lines."""
JOB: Final = "job-of-nobody"
LONG_COUNT: Final = 3_000
"""Characters of a job ID: more bytes than the key of a table takes."""
JOB_IDS: Final[Sequence[Any]] = (
    "\ud800",
    "\x00",
    "",
    "\U0010ffff",
    "j" * LONG_COUNT,
    -1,
    True,
    None,
    1.5,
    math.inf,
    math.nan,
    [],
    {},
)
DEPTHS: Final = (500, 990, 100_000)
SIZES_BYTES: Final = (200_000, 500_000, 1_048_520, 1_100_000)
"""Large; too large for an item of a table; for a queue with a reason beside it; for a queue."""


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """One request to a webhook."""

    method: str
    content: bytes
    headers: Mapping[str, str]

    def signed(self, vendor: Vendor, key: str, url: str) -> "WebhookRequest | None":
        """Return it as a vendor would send it that has lost its mind, but not its key; None where none could."""
        if self.method != "POST":
            return None
        callback = vendor.callbacks()
        typed = {"content-type": CONTENT_TYPES[callback.body]}
        if callback.verification == "adyen":
            content = _with_signed_events(self.content, key)
            return None if content is None else replace(self, content=content, headers=typed)
        try:
            text = self.content.decode()
        except UnicodeDecodeError:
            return None
        signature = sign(callback.verification, key, "msg_nonsense", text, url, datetime.now(tz=UTC))
        return replace(self, headers=typed | signature)


def _with_signed_events(content: bytes, key: str) -> bytes | None:
    """Sign each event of an Adyen callback; None where the body has no events that could carry a signature."""
    try:
        document = json.loads(content)
        events = [
            paths.write(event, f"{adyen.ITEM}.{adyen.SIGNATURE}", adyen.sign(event[adyen.ITEM], bytes.fromhex(key)))
            for event in document[adyen.EVENTS]
        ]
        return json.dumps({**document, adyen.EVENTS: events}).encode()
    except (KeyError, RecursionError, TypeError, ValueError):
        return None


def drawn(vendor: Vendor, url: str, examples_count: int) -> list[WebhookRequest]:
    """Draw so many requests, half of them valid, from the webhook's OpenAPI document; the same ones each time."""
    operation = schemathesis.openapi.from_dict(openapi(vendor.name, vendor.callbacks(), url))[f"/{vendor.name}"]["POST"]
    found: list[WebhookRequest] = []
    for mode in MODES:

        @settings(
            max_examples=examples_count // len(MODES),
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(operation.as_strategy(generation_mode=mode))
        def draw(case: Case[Any]) -> None:
            found.append(_attempt(case, url))

        draw()
    return found


def _attempt(case: Case[Any], url: str) -> WebhookRequest:
    """Take the request out of a case, as schemathesis would send it."""
    prepared = requests.Request(**case.as_transport_kwargs(base_url=url.rpartition("/")[0])).prepare()
    body = prepared.body or b""
    content = body if isinstance(body, bytes) else str(body).encode()
    headers = {name: str(value) for name, value in prepared.headers.items() if name.lower() != "content-length"}
    return WebhookRequest(str(prepared.method), content, headers)


def forgeries(vendor: Vendor, job_ids: Sequence[str]) -> list[WebhookRequest]:
    """Return callbacks for jobs that are waited for, faultless but for their signature."""
    said = vendor.callbacks()
    words = sorted(said.success | said.failure | said.progress)
    return [_forgery(vendor, _text(vendor, job_id, word)) for job_id in job_ids for word in words]


def _forgery(vendor: Vendor, text: str) -> WebhookRequest:
    callback = vendor.callbacks()
    signature = dict.fromkeys(scheme_of(callback.verification).headers, "1")
    return WebhookRequest("POST", text.encode(), {"content-type": CONTENT_TYPES[callback.body], **signature})


def raw(vendor: Vendor) -> list[WebhookRequest]:
    """Return requests that are wrong each in a way of its own."""
    usual = _forgery(vendor, _text(vendor, JOB))
    typed = {"content-type": CONTENT_TYPES[vendor.callbacks().body]}
    signature = {name: value for name, value in usual.headers.items() if name not in typed}
    return [
        *(replace(usual, content=content) for content in _contents(vendor)),
        *(replace(usual, headers={"content-type": other, **signature}) for other in TYPES),
        *(replace(usual, headers={**typed, **dict.fromkeys(signature, value)}) for value in SIGNATURES),
        *(replace(usual, method=method) for method in METHODS),
        replace(usual, headers=signature),
        replace(usual, headers=typed),
    ]


def _contents(vendor: Vendor) -> list[bytes]:
    """Return bodies: broken ones, and events with job IDs and sizes that nobody should send."""
    whole = _text(vendor, JOB)
    events = [_text(vendor, job_id) for job_id in JOB_IDS]
    bare_bytes = len(_text(vendor, JOB, filling=""))
    large = [_text(vendor, JOB, filling="x" * (size_bytes - bare_bytes)) for size_bytes in SIZES_BYTES]
    if vendor.callbacks().body is BodyFormat.FORM:
        broken = [
            "%",
            "&&==&",
            "%ff%fe=%00",
            whole.replace(JOB, "%ED%A0%80"),
            f"{whole}&{whole}",
            "a=b&" * (FIELDS_COUNT - 1),
        ]
    else:
        nested = ["[" * depth + "]" * depth for depth in DEPTHS]
        broken = [
            *("null", "true", "0", '""', "[]", "{}", whole[:-1], "[" * DEPTHS[-1], '{"a":' * DEPTHS[-1]),
            *nested,
            *(whole.replace(f'"{JOB}"', value) for value in (*nested, "9" * 4_000, "9" * 5_000, "1e999", "-0")),
        ]
    texts = ["", " ", "neither", f"{whole}\x00", *broken, *events, *large]
    return [b"\xff\xfe\xc3\x28", whole.encode() + b"\xff", *(text.encode() for text in texts)]


def _text(vendor: Vendor, job_id: Any, word: str | None = None, **more: str) -> str:
    """Write an event as the contract reads it, whatever its job ID is, with a wrong signature where it has one."""
    callback = vendor.callbacks()
    event = compose(vendor, job_id, word or min(callback.success, default=None), {}) | more
    if callback.verification == "adyen":
        event = paths.write(event, f"{adyen.ITEM}.{adyen.SIGNATURE}", job_id)
    document = paths.write({}, callback.events, [event]) if callback.events else event
    return urlencode(document, errors="surrogatepass") if callback.body is BodyFormat.FORM else json.dumps(document)
