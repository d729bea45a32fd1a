"""Amazon SNS as the sender: topics that a vendor publishes to, delivered to the webhook over HTTPS.

In: the JSON that SNS posts as text. Out: verified messages, and confirmed subscriptions. The keys are the ARNs of the
topics that are believed. SNS signs with a certificate that it names itself, so only its own hosts are asked for one
(SNS developer guide, "Verifying the signatures of Amazon SNS messages").
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import httpx

from headway_lane.runtime.errors import Forged
from headway_lane.verification.proof import check_age

DELIVERY_TOLERANCE_S: Final = 7_200
"""SNS delivers to HTTPS for an hour at most (delivery policies), and keeps the first attempt's time."""
TIMEOUT_S: Final = 5.0
NOTIFICATION: Final = "Notification"
CONFIRMATION: Final = "SubscriptionConfirmation"
SIGNED: Final[Mapping[str, Sequence[str]]] = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    CONFIRMATION: ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
"""The fields that are signed, in this order; one that is not there is left out."""
DIGESTS: Final = {"1": "sha1", "2": "sha256"}
"""SignatureVersion -> digest."""
DIGEST_PREFIXES: Final = {
    "sha1": bytes.fromhex("3021300906052b0e03021a05000414"),
    "sha256": bytes.fromhex("3031300d060960864801650304020105000420"),
}
"""What stands before a digest in a signature (RFC 8017, 9.2, note 1)."""
_AMAZON: Final = re.compile(r"https://sns\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/[^\s]*", re.ASCII)


def verify(
    body: bytes, headers: Mapping[str, str], keys: Sequence[str], received_epoch_s: float, url: str = ""
) -> None:
    """Return where SNS signed a message of one of the topics `keys`; see `verification.Verify`."""
    del headers, url
    message = _message(body)
    if not any(key and hmac.compare_digest(key.encode(), str(message.get("TopicArn")).encode()) for key in keys):
        raise Forged("the topic is none of the keys")
    try:
        signed_at = datetime.fromisoformat(str(message["Timestamp"]))
        signature = base64.b64decode(str(message["Signature"]), validate=True)
        digest_name = DIGESTS[str(message["SignatureVersion"])]
    except (KeyError, ValueError) as error:
        raise Forged("`Timestamp`, `Signature` or `SignatureVersion` is missing or unreadable") from error
    check_age("Timestamp", signed_at.timestamp(), received_epoch_s, DELIVERY_TOLERANCE_S)
    place = str(message.get("SigningCertURL"))
    if not _AMAZON.fullmatch(place):
        raise Forged("`SigningCertURL` is not of Amazon SNS")
    modulus, exponent = public_numbers(certificate(place))
    if not _fits(signature, digest_name, _signed_text(message), modulus, exponent):
        raise Forged("the signature is not that of the certificate")


def confirm(subscribe_url: str) -> None:
    """Confirm a subscription whose message has been verified. Raises httpx.HTTPError where SNS does not answer well."""
    if not _AMAZON.fullmatch(subscribe_url):
        raise Forged("`SubscribeURL` is not of Amazon SNS")
    httpx.get(subscribe_url, timeout=TIMEOUT_S).raise_for_status()


@lru_cache(maxsize=8)
def certificate(place: str) -> str:
    """Fetch a certificate of SNS, in PEM; it changes once a year or so. Raises httpx.HTTPError."""
    return httpx.get(place, timeout=TIMEOUT_S).raise_for_status().text


def public_numbers(pem: str) -> tuple[int, int]:
    """Return modulus and exponent of a certificate's RSA key (RFC 5280, 4.1); Forged where there is none."""
    from ecdsa import der  # it takes its time to import, and few vendors need it

    try:
        rest, _ = der.remove_sequence(der.unpem(pem))
        rest, _ = der.remove_sequence(rest)
        _, _, rest = der.remove_constructed(rest)  # version
        _, rest = der.remove_integer(rest)  # serial number
        for _ in ("algorithm", "issuer", "validity", "subject"):
            _, rest = der.remove_sequence(rest)
        rest, _ = der.remove_sequence(rest)  # public key
        _, rest = der.remove_sequence(rest)  # its algorithm
        rest, _ = der.remove_bitstring(rest, 0)
        rest, _ = der.remove_sequence(rest)
        modulus, rest = der.remove_integer(rest)
        exponent, _ = der.remove_integer(rest)
    except (der.UnexpectedDER, ValueError, IndexError) as error:
        raise Forged("the certificate has no RSA key") from error
    return modulus, exponent


def _message(body: bytes) -> Mapping[str, Any]:
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Forged("the body that should carry a signature is not JSON") from error
    if not isinstance(message, dict) or message.get("Type") not in SIGNED:
        raise Forged("the body is no message of Amazon SNS")
    return message


def _signed_text(message: Mapping[str, Any]) -> bytes:
    lines = (f"{name}\n{message[name]}\n" for name in SIGNED[message["Type"]] if message.get(name) is not None)
    return "".join(lines).encode()


def _fits(signature: bytes, digest_name: str, text: bytes, modulus: int, exponent: int) -> bool:
    """Verify RSASSA-PKCS1-v1_5 by what the signature has to be, padding included (RFC 8017, 8.2.2)."""
    size = (modulus.bit_length() + 7) // 8
    if len(signature) != size:
        return False
    said = pow(int.from_bytes(signature, "big"), exponent, modulus).to_bytes(size, "big")
    wanted = DIGEST_PREFIXES[digest_name] + hashlib.new(digest_name, text).digest()
    padded = b"\x00\x01" + b"\xff" * (size - len(wanted) - 3) + b"\x00" + wanted
    return hmac.compare_digest(said, padded)
