"""An update of a function ends none of its invocations: they go on in the environment that they began in, as on AWS
(Lambda developer guide, execution environment lifecycle), and only the next one is of the new configuration.

ministack ends every worker of the function at once. A deployment in the middle of a run would then break off calls that
AWS completes, and their messages would come back after a visibility timeout.
"""

from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any, Final
from weakref import WeakSet

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

_updating: Final[ContextVar[bool]] = ContextVar("_updating", default=False)


def apply() -> None:
    """Let workers that are busy during an update end their invocation first."""
    kill, release = lambda_runtime.kill_workers, lambda_runtime.release_worker
    retired: WeakSet[Any] = WeakSet()

    def kill_idle(workers: Iterable[Any]) -> None:
        found = [worker for worker in workers if worker is not None]
        busy = [worker for worker in found if _updating.get() and worker.in_use]
        retired.update(busy)
        kill([worker for worker in found if worker not in busy])

    def release_or_kill(worker: Any) -> None:
        release(worker)
        if worker in retired:
            retired.discard(worker)
            kill([worker])

    lambda_runtime.kill_workers = kill_idle
    lambda_runtime.release_worker = lambda_svc.release_worker = release_or_kill
    lambda_svc._update_code = _marked(lambda_svc._update_code)
    lambda_svc._update_config = _marked(lambda_svc._update_config)


def _marked(update: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    """Return an update during which it is known that it is one."""

    def marked(name: str, data: Any) -> Any:
        token = _updating.set(True)
        try:
            return update(name, data)
        finally:
            _updating.reset(token)

    return marked
