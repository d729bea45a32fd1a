"""How much of a cause travels: a reason may quote what somebody else has written, however long that is."""

from typing import Final

CAUSE_BYTES: Final = 32_768
"""Bytes of a cause. Step Functions takes so many characters (SendTaskFailure, API reference) and leaves open what it
counts as one; no text has more characters than bytes.
"""


def bounded(cause: str) -> str:
    """Return as much of a cause as travels, cut between two characters. Half of a surrogate pair, which no UTF-8 has,
    becomes a question mark.
    """
    return cause.encode(errors="replace")[:CAUSE_BYTES].decode(errors="ignore")
