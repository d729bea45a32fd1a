"""Runs the real handlers as Lambda does: environment of the function, a cold worker each time, a time limit, death.

Cold, so that every call that a worker may have to make is made and recorded.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from importlib import import_module
from typing import Any
from unittest.mock import patch

import httpx
from aws_lambda_powertools.utilities.parameters.base import clear_caches
from aws_lambda_powertools.utilities.parameters.constants import DEFAULT_PROVIDERS
from aws_lambda_powertools.utilities.typing import LambdaContext
from headway_lane import way_out
from headway_lane.contract.vendor import Vendor
from headway_lane.runtime import observability

from tests.matrix.faults import Killed
from tests.matrix.recording import Invocation, Recording
from tests.matrix.surroundings import Function
from tests.matrix.world import World
from tests.unit.headway_lane.fakes import invocation


class FunctionFailed(Exception):  # noqa: N818
    """An invocation failed; `error` as Step Functions names it."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(f"{error}: {cause}")
        self.error, self.cause = error, cause


class Workers:
    """Invokes the functions of a lane; `http` answers what they send to the proxy."""

    def __init__(self, world: World, recording: Recording, vendor: Vendor, http: httpx.MockTransport) -> None:
        self._world, self._recording, self._vendor, self._http = world, recording, vendor, http
        self.failed_count = self._invoked_count = 0

    def invoke(self, function: Function, event: Any) -> Any:
        """Return what a handler returns. FunctionFailed where it raises, is killed, or runs out of time."""
        module, name = f"headway_lane.{function.entry.handler}".rsplit(".", 1)
        handler = getattr(import_module(module), name)
        running = Invocation(function.name, self._world.now_us + round(function.timeout_s * 1_000_000))
        try:
            with self._worker(running, function.environment(self._vendor)):
                returned = json.loads(json.dumps(handler(json.loads(json.dumps(event)), self._context())))
                self._world.note(f"{function.name} returns {returned}")
                return returned
        except Killed:
            raise self._failed(function, "Lambda.Unknown", "killed") from None
        except Exception as error:
            raise self._failed(function, type(error).__name__, str(error)) from error

    def _context(self) -> LambdaContext:
        self._invoked_count += 1
        return invocation(f"invocation-{self._invoked_count}")

    def _failed(self, function: Function, error: str, cause: str) -> FunctionFailed:
        self.failed_count += 1
        self._world.note(f"{function.name} fails: {error}: {cause}")
        return FunctionFailed(error, cause)

    @contextmanager
    def _worker(self, invocation: Invocation, environment: Mapping[str, str]) -> Iterator[None]:
        def sleep_until(wake_us: int) -> None:
            invocation.alive()
            if wake_us > invocation.deadline_us:
                self._world.now_us = max(self._world.now_us, invocation.deadline_us)
                raise invocation.die()

        client = httpx.Client(base_url="https://proxy.example/live", transport=self._http)
        self._recording.running.append(invocation)
        self._world.sleepers.append(sleep_until)
        forget()
        try:
            with patch.dict(os.environ, environment, clear=True), patch.object(way_out, "http_client", lambda: client):
                yield
        finally:
            forget()
            self._world.sleepers.pop()
            self._recording.running.pop()


def forget() -> None:
    """Forget what the modules of the functions keep between two invocations, but for the logger."""
    clear_caches()  # type: ignore[no-untyped-call]
    DEFAULT_PROVIDERS.clear()
    for kept in _kept(len(sys.modules)):
        kept.cache_clear()


@lru_cache(1)
def _kept(module_count: int) -> Sequence[Any]:
    """Return everything in the modules that is kept; looked up anew where there are more modules."""
    del module_count
    modules = [(name, module) for name, module in sys.modules.items() if name.startswith("headway_lane.")]
    return [
        kept
        for name, module in modules
        for kept in vars(module).values()
        if hasattr(kept, "cache_clear") and kept.__module__ == name and name != observability.__name__
    ]
