"""What a certificate of SNS says (X.509, RFC 5280): whose it is, from when to when, and its RSA key.

Read with the bundle's own DER reader, because a library for certificates is native (ADR 0003).
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from headway_lane.runtime.errors import Forged

if TYPE_CHECKING:
    from ecdsa import der as der_reader

DIGEST_PREFIXES: Final = {
    "sha1": bytes.fromhex("3021300906052b0e03021a05000414"),
    "sha256": bytes.fromhex("3031300d060960864801650304020105000420"),
}
"""What stands before a digest in a signature (RFC 8017, 9.2, note 1)."""
LEAST_BITS: Final = 2_048
"""Of an RSA key, from 2011 on (CA/Browser Forum, baseline requirements)."""
_COMMON_NAME: Final = (2, 5, 4, 3)
_RSA: Final = (1, 2, 840, 113549, 1, 1, 1)
"""rsaEncryption (RFC 8017, A.1)."""
_UTC_TIME, _GENERALIZED_TIME = 0x17, 0x18
_PEM: Final = re.compile(r"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----", re.ASCII)


@dataclass(frozen=True, slots=True)
class RsaKey:
    """A public key of RSA."""

    modulus: int
    exponent: int

    def has_signed(self, signature: bytes, digest_name: str, text: bytes) -> bool:
        """Verify RSASSA-PKCS1-v1_5 by what the signature has to be, padding included (RFC 8017, 8.2.2)."""
        size = (self.modulus.bit_length() + 7) // 8
        if len(signature) != size:
            return False
        said = pow(int.from_bytes(signature, "big"), self.exponent, self.modulus).to_bytes(size, "big")
        wanted = DIGEST_PREFIXES[digest_name] + hashlib.new(digest_name, text).digest()
        padded = b"\x00\x01" + b"\xff" * (size - len(wanted) - 3) + b"\x00" + wanted
        return hmac.compare_digest(said, padded)


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate: the common name of its subject, from when to when it counts, and its RSA key."""

    subject: str
    begins_epoch_s: float
    ends_epoch_s: float
    key: RsaKey

    def check(self, subject: re.Pattern[str], at_epoch_s: float) -> None:
        """Raise Forged where it is another's, or is not valid at a moment."""
        if not subject.fullmatch(self.subject):
            raise Forged("the certificate is another's")
        if not self.begins_epoch_s <= at_epoch_s <= self.ends_epoch_s:
            raise Forged("the certificate was not valid when the callback came")


def read(pem: str) -> Certificate:
    """Read the first certificate of a PEM; Forged where there is none with an RSA key of its least length."""
    try:
        validity, subject, key_info = _parts(_der(pem))
        begins, ends = _time(validity), _time(_behind(validity))
        name = _common_name(subject)
    except _unreadable() as error:
        raise Forged("the certificate has no RSA key, or cannot be read") from error
    key = rsa_key(key_info)
    if key.modulus.bit_length() < LEAST_BITS:
        raise Forged(f"the RSA key of the certificate has less than {LEAST_BITS} bits")
    return Certificate(name, begins, ends, key)


def public_key_of(certificate: bytes) -> bytes:
    """Return the public key of a certificate, both in DER; Forged where it cannot be read."""
    try:
        return _parts(certificate)[2]
    except _unreadable() as error:
        raise Forged("the certificate cannot be read") from error


def rsa_key(key_info: bytes) -> RsaKey:
    """Read a public key of RSA in DER (SubjectPublicKeyInfo); Forged where it is none."""
    der = _reader()
    try:
        inner, _ = der.remove_sequence(key_info)
        algorithm, inner = der.remove_sequence(inner)
        if der.remove_object(algorithm)[0] != _RSA:
            raise ValueError("no RSA")
        inner, _ = der.remove_bitstring(inner, 0)
        inner, _ = der.remove_sequence(inner)
        modulus, inner = der.remove_integer(inner)
        exponent, _ = der.remove_integer(inner)
    except _unreadable() as error:
        raise Forged("the certificate has no RSA key, or cannot be read") from error
    if exponent not in range(3, 2**32):
        raise Forged("the exponent of the RSA key is none that is used")
    return RsaKey(modulus, exponent)


def _parts(certificate: bytes) -> tuple[bytes, bytes, bytes]:
    """Return validity, subject and public key of a certificate (RFC 5280, 4.1), the last with its header."""
    der = _reader()
    rest, _ = der.remove_sequence(certificate)
    rest, _ = der.remove_sequence(rest)
    _, _, rest = der.remove_constructed(rest)  # version
    _, rest = der.remove_integer(rest)  # serial number
    for _ in ("algorithm", "issuer"):
        _, rest = der.remove_sequence(rest)
    validity, rest = der.remove_sequence(rest)
    subject, rest = der.remove_sequence(rest)
    _, behind = der.remove_sequence(rest)
    return validity, subject, rest[: len(rest) - len(behind)]


def _unreadable() -> tuple[type[Exception], ...]:
    return (_reader().UnexpectedDER, ValueError, IndexError, OverflowError, AssertionError)


def _reader() -> "der_reader":
    from ecdsa import der  # it takes its time to import, and few vendors need it

    return der


def _der(pem: str) -> bytes:
    found = _PEM.search(pem)
    if found is None:
        raise ValueError("no certificate")
    return base64.b64decode("".join(found[1].split()), validate=True)


def _common_name(names: bytes) -> str:
    """Return the common name of a name, empty where it has none: a sequence of sets of (kind, text)."""
    der = _reader()
    while names:
        size = 2 + names[1]  # a name's parts are short: one byte of length
        pair, _ = der.remove_sequence(names[2:size])
        kind, text = der.remove_object(pair)
        if kind == _COMMON_NAME:
            return bytes(text[2 : 2 + text[1]]).decode()
        names = names[size:]
    return ""


def _time(times: bytes) -> float:
    """Return the first of two times, which end with a Z: two digits of the year up to 2049 (RFC 5280, 4.1.2.5)."""
    kind, text = times[0], times[2 : 2 + times[1]].decode("ascii")
    if kind == _UTC_TIME:
        text = ("20" if int(text[:2]) < 50 else "19") + text
    elif kind != _GENERALIZED_TIME:
        raise ValueError("no time")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()


def _behind(times: bytes) -> bytes:
    return times[2 + times[1] :]
