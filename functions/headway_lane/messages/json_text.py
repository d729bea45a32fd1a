"""JSON as it leaves for AWS: one writer, so that what is measured is what is sent.

SQS, Step Functions and DynamoDB count the bytes of a text in UTF-8. Python escapes every character outside ASCII unless
it is told not to: six bytes for a Chinese one that has three, so that a legal payload would grow over a limit on its
way. What boto3 escapes in the body of its own request does not count.
"""

import json
from typing import Any


def encode(value: Any) -> bytes:
    """Write a JSON value in as few bytes as UTF-8 takes.

    Half of a surrogate pair has no UTF-8 and keeps its escape, which `backslashreplace` writes as JSON does.
    """
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="backslashreplace")


def write(value: Any) -> str:
    """Write a JSON value as a text whose UTF-8 is what `encode` returns."""
    return encode(value).decode()
