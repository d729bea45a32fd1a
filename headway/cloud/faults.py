"""Faults on demand: what may go wrong at a request of the embedded cloud, at which requests, and how often it did.

`POST /_headway/faults` with `{"faults": [...]}` replaces all faults, `GET` says how often each was met and when first,
`DELETE` takes them away (`faulty_app`). Without any, a request costs one look at an empty list. Tests use
`headway.testing.faults`.

A fault names the service as requests are signed (AppConfig's data plane is `appconfig`, a proxy `execute-api`, whose
actions are HTTP's methods), and is for those requests that come over HTTP: from functions, tools and tests; of a state
machine only what calls an API. Only the throttling of Lambda's Invoke holds for every invocation, also of machines and
event source mappings (`patches.faults`). A fault may be aimed at the invocations that are about something
(`patches.aimed_faults`).
"""

import threading
import time
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from random import Random
from typing import Any, Final

from headway.cloud.askers import Asker

INVOKE: Final = "Invoke"


class Kind(StrEnum):
    """What happens to a request."""

    THROTTLE = "throttle"
    """It is refused as too many, before its effect."""
    ERROR = "error"
    """It fails with 500, before its effect."""
    LOST = "lost"
    """It has its effect, and its answer is 500: SDKs repeat it."""
    UNREACHED = "unreached"
    """The connection ends before its effect, without an answer."""
    CUT = "cut"
    """It has its effect, and the connection ends without an answer."""
    KILLED_BEFORE = "killed_before"
    """The worker that asks is killed before its effect, as Lambda loses a machine."""
    KILLED_AFTER = "killed_after"
    """It has its effect, and the worker that asks is killed before it hears of that."""


KILLS: Final = frozenset({Kind.KILLED_BEFORE, Kind.KILLED_AFTER})
DONE: Final = frozenset({Kind.LOST, Kind.CUT, Kind.KILLED_AFTER})
"""Kinds of which the effect is there."""
ANSWERED: Final = frozenset({Kind.THROTTLE, Kind.ERROR, Kind.LOST})
"""Kinds of which somebody hears; of the others the connection ends."""

THROTTLES: Final = {
    "appconfig": (429, "ThrottlingException"),
    "dynamodb": (400, "ProvisionedThroughputExceededException"),
    "execute-api": (429, "TooManyRequestsException"),
    "lambda": (429, "TooManyRequestsException"),
    "s3": (503, "SlowDown"),
    "secretsmanager": (400, "ThrottlingException"),
    "sqs": (400, "RequestThrottled"),
    "states": (400, "ThrottlingException"),
}
"""Status and code by service (botocore's models, and `_retry.json` for those that no model names)."""
FAILURE: Final = (500, "InternalServerError")


@dataclass(frozen=True, slots=True)
class Fault:
    """What to do to which requests: those of a service, of an action, and with a text in their path or body.

    With `function`, only those that are made in an invocation of that function whose event has one of the texts in
    `about`. The first `skip` of them pass; then `count` are met (None: all), of which `ratio` says the share, drawn
    from `seed`. With `every_attempt` an SDK's attempts at one request are one: all are met, or none. `code` is instead
    of the service's own: `ThrottlingException` of a table on demand.
    """

    service: str
    kind: Kind
    action: str = "*"
    containing: str = ""
    skip: int = 0
    count: int | None = None
    ratio: float = 1.0
    seed: int = 1
    code: str | None = None
    function: str = ""
    about: Sequence[str] = ()
    every_attempt: bool = False

    def __post_init__(self) -> None:
        if self.kind in KILLS and not self.function:
            raise ValueError(f"{self.kind} is for requests of a function: `function` says of which")

    def concerns(self, service: str, action: str, text: str, asker: Asker | None = None) -> bool:
        """Return whether a request is meant."""
        return (
            self.service == service
            and self.action in ("*", action)
            and self.containing in text
            and (not self.function or (asker is not None and self.aims_at(asker.function, asker.event)))
        )

    def aims_at(self, function: str, event: str) -> bool:
        """Return whether an invocation of a function with this event is aimed at."""
        return self.function == function and any(text in event for text in self.about)

    @property
    def answer(self) -> tuple[int, str]:
        """Return the status and the code that the requester gets."""
        status, code = THROTTLES.get(self.service, (400, "ThrottlingException"))
        if self.kind is not Kind.THROTTLE:
            status, code = FAILURE
        return status, self.code or code


@dataclass(slots=True)
class Armed:
    """A fault, how often it was asked and met, and when first, in epoch milliseconds."""

    fault: Fault
    concerned_count: int = 0
    met_count: int = 0
    met_epoch_ms: int | None = None
    draws: Random = field(init=False)
    _verdicts: dict[str, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.draws = Random(self.fault.seed)  # noqa: S311 - to be repeated is the point

    def meets(self, sdk_call: str = "") -> bool:
        """Count one more request, and say whether it is met; `sdk_call` is what an SDK's attempts at it share."""
        if not (self.fault.every_attempt and sdk_call):
            return self._judge()
        if sdk_call not in self._verdicts:
            self._verdicts[sdk_call] = self._judge()
        return self._verdicts[sdk_call]

    def _judge(self) -> bool:
        self.concerned_count += 1
        fault = self.fault
        if self.concerned_count <= fault.skip or (fault.count is not None and self.met_count >= fault.count):
            return False
        if fault.ratio < 1 and self.draws.random() >= fault.ratio:
            return False
        self.met_count += 1
        self.met_epoch_ms = self.met_epoch_ms or time.time_ns() // 1_000_000
        return True


class FaultPlan:
    """All faults that are asked for; may be asked from any thread."""

    def __init__(self) -> None:
        self.armed: list[Armed] = []
        self._lock = threading.Lock()

    def replace(self, faults: Collection[Fault]) -> None:
        """Forget all, and take these."""
        self.armed = [Armed(fault) for fault in faults]

    def met_by(
        self,
        service: str,
        action: str,
        text: str,
        kinds: Collection[Kind] = tuple(Kind),
        asker: Asker | None = None,
        sdk_call: str = "",
    ) -> Fault | None:
        """Return the first fault that meets a request, or None."""
        with self._lock:
            for armed in self.armed:
                fault = armed.fault
                if fault.kind in kinds and fault.concerns(service, action, text, asker) and armed.meets(sdk_call):
                    return fault
        return None

    def aims_at(self, function: str, event: str) -> bool:
        """Return whether a fault is aimed at an invocation."""
        return any(armed.fault.aims_at(function, event) for armed in self.armed)

    def document(self) -> dict[str, Any]:
        """Return all faults with their counts."""
        counts = ("concerned_count", "met_count", "met_epoch_ms")
        return {"faults": [asdict(each.fault) | {name: getattr(each, name) for name in counts} for each in self.armed]}

    def read(self, document: Any) -> None:
        """Take the faults of a document. Raises ValueError, TypeError or KeyError, and then changes nothing."""
        self.replace([Fault(**{**fault, "kind": Kind(fault["kind"])}) for fault in document["faults"]])


PLAN: Final = FaultPlan()
"""What the server that runs in this process has been asked for."""
