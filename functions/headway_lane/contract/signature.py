"""How a vendor signs its callbacks, as data: what a contract file may say of it, and what is common has a name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, Self

BODY: Final = "{body}"
TIMESTAMP: Final = "{timestamp}"
KEY: Final = "{key}"
URL: Final = "{url}"
FORM: Final = "{form}"
PIECES: Final = (BODY, TIMESTAMP, KEY, URL, FORM)
_WORD: Final = re.compile(r"\{\w+\}")


class Algorithm(StrEnum):
    """What is computed over the signed bytes."""

    HMAC_SHA1 = "hmac-sha1"
    HMAC_SHA256 = "hmac-sha256"
    HMAC_SHA512 = "hmac-sha512"
    SHA1 = "sha1"
    """A plain digest: the key is the last of the signed parts (see `contradiction`)."""
    SHA256 = "sha256"
    """A plain digest, as above."""
    STATIC = "static"
    """Nothing: the header carries the key itself."""


PLAIN: Final = frozenset({Algorithm.SHA1, Algorithm.SHA256})


class Encoding(StrEnum):
    """How bytes are written as text."""

    HEX = "hex"
    BASE64 = "base64"
    UTF8 = "utf-8"
    """Of keys only: the key's characters are its bytes."""


@dataclass(frozen=True, slots=True)
class Signature:
    """One way of signing: where the signature is, what it is computed over, and what makes bytes of a key.

    `signed` is the signed text, with `{body}`, `{timestamp}`, `{key}` and `{url}` in it, or `{form}` for the names and
    values of a form body, sorted by name. The header holds `prefix` and one
    signature, or, where `signature_label` is given, pairs such as `t=1614265330,v1=5f...,v1=77...`. The timestamp, in
    epoch seconds, is in a pair too or in a header of its own; it may be `tolerance_s` off, either way.
    """

    algorithm: Algorithm
    header: str
    prefix: str = ""
    signature_label: str | None = None
    timestamp_label: str | None = None
    timestamp_header: str | None = None
    signed: str = BODY
    encoding: Encoding = Encoding.HEX
    key_encoding: Encoding = Encoding.UTF8
    key_prefix: str = ""
    tolerance_s: int = 300

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read a description that satisfies `vendor.schema.json`."""
        words: dict[str, Any] = {"algorithm": Algorithm(document["algorithm"])}
        words |= {name: Encoding(document[name]) for name in ("encoding", "key_encoding") if name in document}
        return cls(**{**document, **words})

    @property
    def headers(self) -> tuple[str, ...]:
        """The headers that carry it, as the vendor spells them."""
        return (self.header, self.timestamp_header) if self.timestamp_header else (self.header,)

    @property
    def contradiction(self) -> str | None:
        """Say what cannot be meant, and what to write instead: a check that would let anybody in, or nobody. None where
        it is sound.
        """
        timestamps_count = sum(place is not None for place in (self.timestamp_label, self.timestamp_header))
        if self.algorithm is Algorithm.STATIC:
            beside = (self.signature_label, self.timestamp_label, self.timestamp_header)
            return "`static` knows `header` and `prefix` only; remove the others" if any(beside) else None
        for word in _WORD.findall(self.signed):
            if word not in PIECES:
                return f"`signed` has `{word}`, which is signed as it stands; it knows {', '.join(PIECES)}"
        if BODY not in self.signed and FORM not in self.signed:
            return "`signed` has no `{body}` and no `{form}`, so that any body would pass; add one"
        if (KEY in self.signed) != (self.algorithm in PLAIN):
            return "`signed` has `{key}` where `algorithm` is a plain digest (sha1, sha256), and only there"
        behind_the_key = self.signed.rpartition(KEY)[2] if self.algorithm in PLAIN else ""
        if any(piece in behind_the_key for piece in (BODY, FORM, TIMESTAMP, URL)):
            return (
                "`signed` goes on behind `{key}`, and `algorithm` is a plain digest: whoever has seen one callback can"
                " lengthen it and sign that; use an HMAC, or put `{key}` last where the vendor does"
            )
        if timestamps_count != (TIMESTAMP in self.signed):
            return (
                "`signed` has `{timestamp}` where `timestamp_label` or `timestamp_header` says where it is, and only"
                " there: a time that is not signed proves nothing"
            )
        if self.timestamp_label and not self.signature_label:
            return "`timestamp_label` needs `signature_label`: the header holds pairs, or one signature"
        if self.prefix and self.signature_label:
            return "`prefix` and `signature_label` exclude each other: the header holds one signature, or pairs"
        return None


_STRIPE: Final = Signature(  # docs.stripe.com, "Verify webhook signatures manually"
    Algorithm.HMAC_SHA256, "Stripe-Signature", signature_label="v1", timestamp_label="t", signed="{timestamp}.{body}"
)
PRESETS: Final[Mapping[str, Signature]] = {
    "cloudinary": Signature(  # cloudinary.com/documentation/notification_signatures; two hours, as its libraries do
        Algorithm.SHA1,
        "X-Cld-Signature",
        timestamp_header="X-Cld-Timestamp",
        signed="{body}{timestamp}{key}",
        tolerance_s=7_200,
    ),
    "github": Signature(  # docs.github.com, "Validating webhook deliveries"
        Algorithm.HMAC_SHA256, "X-Hub-Signature-256", prefix="sha256="
    ),
    "mux": replace(_STRIPE, header="Mux-Signature"),  # mux.com/docs, "Verify webhook signatures"
    "onfido": Signature(Algorithm.HMAC_SHA256, "X-SHA2-Signature"),  # documentation.onfido.com, "Webhook security"
    "shopify": Signature(  # shopify.dev, "Verify webhook deliveries"
        Algorithm.HMAC_SHA256, "X-Shopify-Hmac-SHA256", encoding=Encoding.BASE64
    ),
    "slack": Signature(  # docs.slack.dev, "Verifying requests from Slack"
        Algorithm.HMAC_SHA256,
        "X-Slack-Signature",
        prefix="v0=",
        timestamp_header="X-Slack-Request-Timestamp",
        signed="v0:{timestamp}:{body}",
    ),
    "stripe": _STRIPE,
    "twilio": Signature(  # twilio.com/docs/usage/security, "Validating requests"
        Algorithm.HMAC_SHA1, "X-Twilio-Signature", signed="{url}{form}", encoding=Encoding.BASE64
    ),
}
