"""Amazon SNS as the sender: topics that a vendor publishes to, delivered to the webhook over HTTPS.

In: the JSON that SNS posts as text. Out: verified messages, and confirmed subscriptions. The keys are the ARNs of the
topics that are believed. SNS signs with a certificate that it names itself, so only its own hosts are asked for one,
over TLS, and only a certificate of its own that is valid is believed (SNS developer guide, "Verifying the signatures of
Amazon SNS messages").
"""

import base64
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import httpx

from headway_lane.runtime.errors import Forged
from headway_lane.verification import certificates
from headway_lane.verification.proof import as_bytes, check_age, usable

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
_REGION: Final = r"[a-z]{2}(?:-[a-z]+)+-[0-9]"
"""No service is called so: `sns.s3.amazonaws.com` is a bucket, and so is `sns.s3-eu-west-1.amazonaws.com`."""
_HOST: Final = rf"https://sns\.{_REGION}\.amazonaws\.com(?:\.cn)?"
_CERTIFICATE_URL: Final = re.compile(rf"{_HOST}/SimpleNotificationService-[0-9a-f]{{1,64}}\.pem", re.ASCII)
_SUBSCRIBE_URL: Final = re.compile(rf"{_HOST}/\?[!-~]*", re.ASCII)
_SUBJECT: Final = re.compile(rf"sns(?:-{_REGION}|-signing\.{_REGION})?\.amazonaws\.com(?:\.cn)?", re.ASCII)
"""The names in certificates of SNS, by region (AWS SDK for Java 2, `SnsHostProvider`)."""
_TOPIC: Final = re.compile(rf"arn:aws(?:-cn|-us-gov)?:sns:{_REGION}:[0-9]{{12}}:[A-Za-z0-9_.-]{{1,256}}", re.ASCII)


def verify(
    body: bytes,
    headers: Mapping[str, str],
    keys: Sequence[str],
    received_epoch_s: float,
    url: str = "",
    query: object = None,
) -> None:
    """Return where SNS signed a message of one of the topics `keys`; see `verification.Verify`.

    Raises httpx.HTTPError where SNS does not give its certificate now.
    """
    del headers, url, query
    message = _message(body)
    named = as_bytes(str(message.get("TopicArn")))
    if not any(hmac.compare_digest(arn, named) for arn in usable(keys, topic)):
        raise Forged("the topic is none of the keys")
    try:
        signed_epoch_s = datetime.fromisoformat(str(message["Timestamp"])).timestamp()
        signature = base64.b64decode(str(message["Signature"]), validate=True)
        digest_name = DIGESTS[str(message["SignatureVersion"])]
    except (KeyError, ValueError, OverflowError) as error:
        raise Forged("`Timestamp`, `Signature` or `SignatureVersion` is missing or unreadable") from error
    check_age("Timestamp", signed_epoch_s, received_epoch_s, DELIVERY_TOLERANCE_S)
    place = str(message.get("SigningCertURL"))
    if not _CERTIFICATE_URL.fullmatch(place):
        raise Forged("`SigningCertURL` is not of Amazon SNS")
    signer = certificates.read(certificate(place))
    signer.check(_SUBJECT, received_epoch_s)
    if not signer.key.has_signed(signature, digest_name, _signed_text(message)):
        raise Forged("the signature is not that of the certificate")


def topic(arn: str) -> bytes:
    """Read a key, which is the ARN of a topic. ValueError, with a hint, where it is none."""
    if not _TOPIC.fullmatch(arn):
        raise ValueError("it is not the ARN of a topic, such as arn:aws:sns:eu-central-1:123456789012:name")
    return arn.encode()


def confirm(subscribe_url: str) -> None:
    """Confirm a subscription whose message has been verified. Raises httpx.HTTPError where SNS does not answer well."""
    if not _SUBSCRIBE_URL.fullmatch(subscribe_url):
        raise Forged("`SubscribeURL` is not of Amazon SNS")
    httpx.get(subscribe_url, timeout=TIMEOUT_S).raise_for_status()


@lru_cache(maxsize=8)
def certificate(place: str) -> str:
    """Fetch a certificate of SNS, in PEM; it changes once a year or so. Forged where SNS has none there.

    Raises httpx.HTTPError where it does not answer, or not now.
    """
    answer = httpx.get(place, timeout=TIMEOUT_S)
    if answer.is_client_error and answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
        raise Forged("SNS has no certificate at `SigningCertURL`")
    return answer.raise_for_status().text


def _message(body: bytes) -> Mapping[str, Any]:
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Forged("the body that should carry a signature is not JSON") from error
    if not isinstance(message, dict) or message.get("Type") not in tuple(SIGNED):
        raise Forged("the body is no message of Amazon SNS")
    return message


def _signed_text(message: Mapping[str, Any]) -> bytes:
    lines = (f"{name}\n{message[name]}\n" for name in SIGNED[message["Type"]] if message.get(name) is not None)
    return as_bytes("".join(lines))
