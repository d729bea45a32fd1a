"""An invocation that a fault is aimed at has a worker of its own: what it asks is told apart, and it can be killed.

The worker is cold, so that it makes every call that a worker may have to make, and it has an access key of its own, as
every execution environment has on AWS; ministack gives one to a function. It is gone behind the invocation.
"""

from contextvars import ContextVar
from typing import Any, Final
from uuid import uuid4

from ministack.core import lambda_runtime
from ministack.services import sts

from headway.cloud.askers import ASKERS, Asker, text_of
from headway.cloud.faults import PLAN

_own_key: Final[ContextVar[str | None]] = ContextVar("own_key", default=None)


def apply() -> None:
    """Watch every invocation, as long as there are faults."""
    invoke, credentials = lambda_runtime.Worker.invoke, lambda_runtime.execution_credentials

    def invoke_apart(worker: Any, event: Any, *rest: Any, **options: Any) -> Any:
        function = worker.config.get("FunctionName", "")
        if not PLAN.armed or not PLAN.aims_at(function, text := text_of(event)):
            return invoke(worker, event, *rest, **options)
        key = f"ASIA{uuid4().hex[:16].upper()}"
        worker.kill()
        ASKERS[key] = Asker(function, text, lambda: _kill(worker))
        token = _own_key.set(key)
        try:
            return invoke(worker, event, *rest, **options)
        finally:
            _own_key.reset(token)
            del ASKERS[key]
            worker.kill()
            sts._sessions.pop(key, None)

    def credentials_of_its_own(config: dict[str, Any]) -> dict[str, str]:
        given: dict[str, str] = credentials(config)
        key = _own_key.get()
        session = sts._sessions.get(given["AWS_ACCESS_KEY_ID"])
        if key is None or session is None:
            return given
        sts.register_session(key, dict(session))
        return given | {"AWS_ACCESS_KEY_ID": key}

    lambda_runtime.Worker.invoke = invoke_apart
    lambda_runtime.execution_credentials = credentials_of_its_own


def _kill(worker: Any) -> None:
    """End the process of a worker at once; whoever waits for its answer hears that it has died."""
    process = worker._proc
    if process is not None:
        process.kill()
