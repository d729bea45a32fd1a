"""Who makes a request: the invocations of functions that faults are aimed at, by the access key of their workers.

On AWS each execution environment has credentials of its own. On the embedded cloud those of one function share theirs,
but for a worker that serves such an invocation (`patches.aimed_faults`).
"""

import base64
import binascii
import json
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Asker:
    """An invocation that runs: its function, its event as text, and how its worker is killed."""

    function: str
    event: str
    kill: Callable[[], None]


ASKERS: Final[MutableMapping[str, Asker]] = {}
"""Those that run in this process's cloud, by access key."""

Askers = Mapping[str, Asker]


def text_of(event: Any) -> str:
    """Return an event as text, with the bodies of its messages as they were before base64, where they are in that."""
    records = event.get("Records") if isinstance(event, dict) else None
    bodies = [record.get("body") for record in records or () if isinstance(record, dict)]
    return "\n".join([json.dumps(event), *(decoded(body) for body in bodies if isinstance(body, str))])


def decoded(body: str) -> str:
    """Return what a body was before base64; empty where it is not in that."""
    try:
        return base64.b64decode(body, validate=True).decode(errors="replace")
    except (binascii.Error, ValueError):
        return ""
