"""Claim checks: what is too large for a message, a state or a table lies in S3, and a pointer travels in its place.

A pointer is the same wherever it stands, in a payload (hop 1), in an answer (hop 10) and in a result (hop 11):
`{"headway_claim": {"format_version": 1, "bucket": ..., "key": ..., "size_bytes": ...}}`. Objects are JSON texts under
the hash of their content, so that writing one twice changes nothing, and they expire with the ledger's records.

Nothing that a vendor writes travels in a pointer's shape: such a value is laid down, however small, and the pointer to
it goes in its place. So what is found there in that shape is ours.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from botocore.exceptions import ClientError

from headway_lane.messages import json_text
from headway_lane.runtime.errors import Malformed
from headway_lane.runtime.formats import FORMAT_VERSION, Format

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

FIELD: Final = "headway_claim"
CLAIM: Final = Format("the claim check", version=1)
STATE_BYTES: Final = 262_144
"""The most that a state carries, that StartExecution takes as input and SendTaskSuccess as output, in bytes of UTF-8
(service quotas of Step Functions, API reference).
"""
CARRIED_BYTES: Final = 196_608
"""What travels as it is. A state, a message and an item carry STATE_BYTES at least (service quotas of SQS: 1 MiB;
DynamoDB: 400 KB); the rest is for what the way adds: a task token, IDs, a permit.
"""
LARGEST_BYTES: Final = 10 * 1024 * 1024
"""The largest body that API Gateway passes on (service quotas)."""
MISSING_CODES: Final = frozenset({"NoSuchKey", "NoSuchBucket", "AccessDenied"})
"""Without permission to list, S3 answers AccessDenied where there is no such object."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Where a JSON text lies, and its size."""

    bucket: str
    key: str
    size_bytes: int

    @classmethod
    def on(cls, body: bytes, bucket: str, folder: str) -> Self:
        """Say where a text is to lie, in a folder such as `requests/acme`."""
        return cls(bucket, f"{folder}/{hashlib.sha256(body).hexdigest()}.json", len(body))

    @classmethod
    def read(cls, value: Any) -> Self | None:
        """Read a pointer; None where a value is none. NewerFormat; Malformed where it is one that cannot be ours."""
        if not looks_like_pointer(value):
            return None
        try:
            written = dict(value[FIELD])
            CLAIM.check(written)
            written.pop(FORMAT_VERSION, None)
            claim = cls(**written)
        except (TypeError, ValueError) as error:
            raise Malformed(f"`{FIELD}` needs exactly `bucket`, `key` and `size_bytes`") from error
        if not (isinstance(claim.bucket, str) and isinstance(claim.key, str)):
            raise Malformed(f"`{FIELD}`: `bucket` and `key` are texts")
        return claim

    def pointer(self) -> dict[str, Any]:
        """Write the pointer that `read` reads."""
        return {FIELD: {**CLAIM.stamp, **asdict(self)}}


def looks_like_pointer(value: Any) -> bool:
    """Return whether a value has the shape of a pointer, whatever it says."""
    return isinstance(value, dict) and set(value) == {FIELD}


class Claims:
    """The claim checks of one bucket."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def slim(self, value: Any, folder: str) -> Any:
        """Return a JSON value as it is, or the pointer to it where it is too large to travel, or looks like one."""
        body = json_text.encode(value)
        travels = len(body) <= CARRIED_BYTES and not looks_like_pointer(value)
        return value if travels else self.keep(body, folder)

    def keep(self, body: bytes, folder: str) -> dict[str, Any]:
        """Lay a JSON text down, and return the pointer to it; may be repeated."""
        claim = Claim.on(body, self._bucket, folder)
        self._s3.put_object(Bucket=claim.bucket, Key=claim.key, Body=body, ContentType="application/json")
        return claim.pointer()

    def redeem(self, value: Any, folder: str) -> Any:
        """Return what a pointer points to, and every other value as it is.

        NewerFormat; Malformed where the pointer leads out of its folder, or to nothing.
        """
        claim = Claim.read(value)
        if claim is None:
            return value
        if claim.bucket != self._bucket or not claim.key.startswith(f"{folder}/"):
            raise Malformed(f"`{FIELD}` does not point into s3://{self._bucket}/{folder}/")
        try:
            body = self._s3.get_object(Bucket=claim.bucket, Key=claim.key)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] not in MISSING_CODES:
                raise
            raise Malformed(f"nothing lies at s3://{claim.bucket}/{claim.key} (any more)") from error
        try:
            return json.loads(body)
        except ValueError as error:
            raise Malformed(f"s3://{claim.bucket}/{claim.key} is not JSON") from error


def requests_folder(vendor_name: str) -> str:
    """Name the folder of payloads."""
    return f"requests/{vendor_name}"


def answers_folder(vendor_name: str) -> str:
    """Name the folder of events that ended jobs."""
    return f"answers/{vendor_name}"


def results_folder(vendor_name: str) -> str:
    """Name the folder of results."""
    return f"results/{vendor_name}"
