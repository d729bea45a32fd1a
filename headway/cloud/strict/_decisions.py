"""What IAM decided in this cloud since it started or was asked to forget, and the route that tells it.

A denial that a function swallows must be seen all the same: tests read them here, and each is in the cloud's log. What
was allowed is kept too, so that a proof can tell which grant a scenario leans on.
"""

import json
import logging
from dataclasses import asdict, dataclass
from typing import Any, Final

from ministack import app

from headway.cloud.routes import IAM_ROUTE

KEPT_AT_MOST: Final = 20_000
"""Resources are objects and executions, too; what comes after these is decided, but not kept."""

_logger = logging.getLogger("headway.iam")


@dataclass(frozen=True, slots=True)
class Request:
    """Who asked for what: the name of a role, or the ARN of another principal; an action; a resource's ARN or `*`."""

    principal: str
    action: str
    resource: str


class Decisions:
    """Kept in memory, each once."""

    def __init__(self) -> None:
        self._allowed: dict[Request, None] = {}
        self._denied: dict[Request, str] = {}

    def allow(self, request: Request) -> None:
        """Keep that a request was allowed."""
        if len(self._allowed) < KEPT_AT_MOST:
            self._allowed[request] = None

    def deny(self, request: Request, reason: str) -> None:
        """Keep that a request was denied, and why; log it the first time."""
        if request not in self._denied and len(self._denied) < KEPT_AT_MOST:
            _logger.warning("denied: %s may not %s on %s: %s", *asdict(request).values(), reason)
            self._denied[request] = reason

    def forget(self) -> None:
        """Forget everything."""
        self._allowed, self._denied = {}, {}

    def as_json(self) -> dict[str, list[dict[str, str]]]:
        """Return both lists, in the order in which things were first decided."""
        return {
            "allowed": [asdict(request) for request in list(self._allowed)],
            "denied": [{**asdict(request), "reason": reason} for request, reason in list(self._denied.items())],
        }


DECISIONS: Final = Decisions()


def serve() -> None:
    """Answer the route, before anything of the emulator sees the request."""
    handle = app._handle_pre_body_request

    async def handle_or_tell(method: str, path: str, *rest: Any) -> Any:
        if path != IAM_ROUTE:
            return await handle(method, path, *rest)
        if method == "DELETE":
            DECISIONS.forget()
        return 200, {"Content-Type": "application/json"}, json.dumps(DECISIONS.as_json()).encode()

    app._handle_pre_body_request = handle_or_tell
