"""JSON as it leaves for AWS: one writer, so that what is measured is what is sent. And JSON as strangers send it.

SQS, Step Functions and DynamoDB count the bytes of a text in UTF-8. Python escapes every character outside ASCII unless
it is told not to: six bytes for a Chinese one that has three, so that a legal payload would grow over a limit on its
way. What boto3 escapes in the body of its own request does not count.
"""

import json
import math
import re
from typing import Any, Final

from headway_lane.runtime.written import Written

_HALF_PAIR: Final = re.compile("[\ud800-\udfff]")


def encode(value: Any) -> bytes:
    """Write a JSON value in as few bytes as UTF-8 takes.

    Half of a surrogate pair has no UTF-8 and keeps its escape, which `backslashreplace` writes as JSON does. U+FFFE and
    U+FFFF get one: SQS refuses a message that has them (API reference, SendMessage).
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff").encode(errors="backslashreplace")


def write(value: Any) -> str:
    """Write a JSON value as a text whose UTF-8 is what `encode` returns."""
    return encode(value).decode()


def read(text: str | bytes) -> Any:
    """Read what a stranger has written. ValueError, and nothing else, where it is no JSON that can be written again.

    `NaN`, `Infinity` and a number beyond them are none, whatever Python says: Step Functions takes no such output.
    """
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def tidy(value: Any) -> str:
    """Write what a stranger has written so that it travels: half of a surrogate pair, which no UTF-8 has, becomes
    U+FFFD, as bytes that are no UTF-8 do. ValueError where it is nested too deeply.
    """
    try:
        text = json.dumps(value, ensure_ascii=False)
    except RecursionError as error:  # writing may take more of the stack than reading did
        raise ValueError("nested too deeply") from error
    return _HALF_PAIR.sub("\ufffd", text)


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def _finite(text: str) -> float:
    number = Written(text)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number
