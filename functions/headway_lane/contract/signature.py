"""How a vendor signs its callbacks, as data: what a contract file may say of it.

What common vendors do has a name, and is a file beside this one (`signatures/`).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Self

PIECE: Final = re.compile(r"\{([A-Za-z][^{}]*)\}")
"""A part of the signed text that differs from callback to callback."""
BODY: Final = "body"
TIMESTAMP: Final = "timestamp"
KEY: Final = "key"
FORM: Final = "form"
URL: Final = "url"
HEADER, QUERY, FIELD = "header.", "query.", "field."
"""What begins the name of a piece that is one of several."""
ACCOUNT: Final = "account"
_PLAIN_PIECES: Final = (BODY, TIMESTAMP, KEY, URL, "path", "host", "method", ACCOUNT, FORM)
_DIGEST: Final = re.compile(r"body_(sha1|sha256|sha512)(_base64)?|body_crc32")
_JSON: Final = re.compile(r"json(_sorted)?(_ascii)?(_spaced)?")
PIECES: Final = (
    *(f"{{{name}}}" for name in _PLAIN_PIECES),
    *("{json}", "{json_sorted}", "{body_sha256}", "{header.NAME}", "{query.NAME}", "{field.PATH}"),
)


class Algorithm(StrEnum):
    """What is computed over the signed bytes."""

    HMAC_SHA1 = "hmac-sha1"
    HMAC_SHA256 = "hmac-sha256"
    HMAC_SHA512 = "hmac-sha512"
    SHA1 = "sha1"
    """A plain digest: the key is the last of the signed parts (see `signature_rules`)."""
    SHA256 = "sha256"
    """A plain digest, as above."""
    SHA512 = "sha512"
    """A plain digest, as above."""
    ED25519 = "ed25519"
    """By the vendor's private key; ours is its public one, as for the next two."""
    ECDSA_P256 = "ecdsa-p256"
    """With SHA-256; the signature in DER, or as two numbers of 32 bytes."""
    RSA_SHA256 = "rsa-sha256"
    """RSASSA-PKCS1-v1_5."""
    STATIC = "static"
    """Nothing: the header carries the key itself."""


PLAIN: Final = frozenset({Algorithm.SHA1, Algorithm.SHA256, Algorithm.SHA512})
PUBLIC_KEY: Final = frozenset({Algorithm.ED25519, Algorithm.ECDSA_P256, Algorithm.RSA_SHA256})


class Encoding(StrEnum):
    """How bytes are written as text."""

    HEX = "hex"
    BASE64 = "base64"
    """Of either alphabet, with padding or without; written with the usual one."""
    BASE64URL = "base64url"
    """As above; written with `-` and `_`, without padding."""
    UTF8 = "utf-8"
    """Of keys only: the key's characters are its bytes."""
    PEM = "pem"
    """Of public keys only: a public key or a certificate between its two lines."""


class Coverage(StrEnum):
    """How much of the body a signature proves."""

    WHOLE = "whole"
    CHECKSUM = "checksum"
    """A checksum of it: whoever has seen one callback can make another body of the same."""
    FIELDS = "fields"
    """Single values; anybody may write the others."""
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Signature:
    """One way of signing: where the signature is, what it is computed over, and what makes bytes of a key.

    `signed` is the signed text, with pieces in it (`PIECES`). A header holds `prefix` and a signature, or, where
    `signature_label` is given, pairs such as `t=1614265330,v1=5f...,v1=77...`; several signatures are parted by commas
    or semicolons, pairs by white space too, unless `separator` says otherwise. `label_separator` stands between label
    and value. `other_headers` may carry signatures as well. The time is in a pair, in a header, in the query or at a
    path of the body, in epoch seconds, milliseconds or ISO 8601, which it shows itself; it may be `tolerance_s` off,
    either way. `account` is what stands for `{account}`, such as PayPal's webhook ID.
    """

    algorithm: Algorithm
    header: str
    prefix: str = ""
    signature_label: str | None = None
    timestamp_label: str | None = None
    timestamp_header: str | None = None
    signed: str = "{body}"
    encoding: Encoding = Encoding.HEX
    key_encoding: Encoding = Encoding.UTF8
    key_prefix: str = ""
    tolerance_s: int = 300
    other_headers: tuple[str, ...] = ()
    timestamp_field: str | None = None
    timestamp_query: str | None = None
    separator: str | None = None
    label_separator: str = "="
    account: str | None = None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read a description that satisfies `vendor.schema.json`."""
        words: dict[str, Any] = {"algorithm": Algorithm(document["algorithm"])}
        words |= {name: Encoding(document[name]) for name in ("encoding", "key_encoding") if name in document}
        words |= {"other_headers": tuple(document.get("other_headers", ()))}
        return cls(**{**document, **words})

    @property
    def pieces(self) -> Sequence[str]:
        """The names of the pieces of the signed text, in their order."""
        return PIECE.findall(self.signed)

    @property
    def signature_headers(self) -> tuple[str, ...]:
        """The headers in which a signature may be."""
        return (self.header, *self.other_headers)

    @property
    def headers(self) -> tuple[str, ...]:
        """The headers that are needed, as the vendor spells them."""
        timed = (self.timestamp_header,) if self.timestamp_header else ()
        return _unique((*self.signature_headers, *timed, *self._named(HEADER)))

    @property
    def query(self) -> tuple[str, ...]:
        """The names of the values that are needed of the query."""
        timed = (self.timestamp_query,) if self.timestamp_query else ()
        return tuple(dict.fromkeys((*timed, *self._named(QUERY))))

    @property
    def fields(self) -> tuple[str, ...]:
        """The paths of the body's values that are signed one by one."""
        return self._named(FIELD)

    @property
    def coverage(self) -> Coverage:
        """How much of the body is signed."""
        if self.algorithm is Algorithm.STATIC or any(_proves_body(name) for name in self.pieces):
            return Coverage.WHOLE
        if "body_crc32" in self.pieces:
            return Coverage.CHECKSUM
        return Coverage.FIELDS if self.fields or self._named(QUERY) else Coverage.NOTHING

    def _named(self, beginning: str) -> tuple[str, ...]:
        return tuple(name.removeprefix(beginning) for name in self.pieces if name.startswith(beginning))


def is_piece(name: str) -> bool:
    """Return whether a name in braces means something in a signed text."""
    single = any(name.startswith(beginning) and name != beginning for beginning in (HEADER, QUERY, FIELD))
    return single or name in _PLAIN_PIECES or bool(_DIGEST.fullmatch(name) or _JSON.fullmatch(name))


def is_json(name: str) -> bool:
    """Return whether a piece is the body's document, written once more."""
    return _JSON.fullmatch(name) is not None


def _proves_body(name: str) -> bool:
    return name in (BODY, FORM) or is_json(name) or (name.startswith("body_sha") and is_piece(name))


def _unique(names: tuple[str, ...]) -> tuple[str, ...]:
    """Leave out what is there already in another case: names of headers have none."""
    return tuple({name.lower(): name for name in reversed(names)}[key] for key in dict.fromkeys(map(str.lower, names)))
