"""Who makes a request: the invocations of functions that faults are aimed at, by the access key of their workers.

On AWS each execution environment has credentials of its own. On the embedded cloud those of one function share theirs,
but for a worker that serves such an invocation (`patches.aimed_faults`).
"""

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Asker:
    """An invocation that runs: its function, its event as text, and how its worker is killed."""

    function: str
    event: str
    kill: Callable[[], None]


ASKERS: Final[MutableMapping[str, Asker]] = {}
"""Those that run in this process's cloud, by access key."""

Askers = Mapping[str, Asker]
