"""Every attempt has a token of its own, and a token counts once, for as long as its task waits.

AWS: API reference, SendTaskSuccess: InvalidToken for what is no token, TaskTimedOut for one that "has either expired or
the task associated with the token has already been closed", InvalidOutput for what is no JSON; the task then stays
open. Developer Guide, "Wait for a callback with the task token": a retry sends a new token. ministack keeps the token
over retries, says TaskDoesNotExist of dead and of invented ones, takes any text as output, and lets a second callback
write over the first.

A token says itself that it was given out, by a checksum, so that nothing has to be kept of those that are over.
"""

import base64
import hashlib
import json
import os
from collections.abc import Callable, Mapping
from typing import Any, Final

from ministack.core.responses import error_response_json
from ministack.services import stepfunctions as sfn

from headway.cloud.patches import tasks

OK: Final = 200
RANDOM_BYTES: Final = 30
CHECK_BYTES: Final = 12
DEAD: Final = ("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'", 400)
INVENTED: Final = ("InvalidToken", "Invalid Token: 'Invalid token'", 400)
NO_JSON: Final = ("InvalidOutput", "Invalid Output: 'Invalid JSON'", 400)

Send = Callable[[Mapping[str, Any]], Any]


def new_token(previous: str | None = None) -> str:
    """Return a token that nobody has had before."""
    del previous
    chosen = os.urandom(RANDOM_BYTES)
    return base64.b64encode(chosen + _check(chosen)).decode()


def is_token(token: Any) -> bool:
    """Return whether the text was given out as a token, by this cloud or one before it."""
    try:
        raw = base64.b64decode(token, validate=True)
    except (ValueError, TypeError):
        return False
    return len(raw) == RANDOM_BYTES + CHECK_BYTES and _check(raw[:RANDOM_BYTES]) == raw[RANDOM_BYTES:]


def is_json(text: Any) -> bool:
    """Return whether a text is JSON."""
    try:
        json.loads(text)
    except (ValueError, TypeError):
        return False
    return True


def _check(chosen: bytes) -> bytes:
    return hashlib.blake2b(chosen, digest_size=CHECK_BYTES, person=b"task token").digest()


def _once(send: Send) -> Send:
    """Let the first callback settle a token; ministack's activities have tokens of another form."""

    def send_once(request: Mapping[str, Any]) -> Any:
        token = request.get("taskToken")
        waiting = sfn._task_tokens.get(token)
        if waiting is None:
            return error_response_json(*(DEAD if is_token(token) else INVENTED))
        if "output" in request and not is_json(request["output"]):
            return error_response_json(*NO_JSON)
        mark = object()
        if waiting["event"].is_set() or waiting.setdefault(tasks.SETTLED_BY, mark) is not mark:
            return error_response_json(*DEAD)
        answer = send(request)
        if answer[0] != OK:
            del waiting[tasks.SETTLED_BY]
        return answer

    return send_once


def _alive(beat: Send) -> Send:
    def beat_while_open(request: Mapping[str, Any]) -> Any:
        token = request.get("taskToken")
        waiting = sfn._task_tokens.get(token)
        if waiting is None:
            return error_response_json(*(DEAD if is_token(token) else INVENTED))
        return error_response_json(*DEAD) if waiting["event"].is_set() else beat(request)

    return beat_while_open


def apply() -> None:
    """Give each attempt a token, and mind which of them count."""
    tasks.next_token = new_token
    sfn._send_task_success = _once(sfn._send_task_success)
    sfn._send_task_failure = _once(sfn._send_task_failure)
    sfn._send_task_heartbeat = _alive(sfn._send_task_heartbeat)
