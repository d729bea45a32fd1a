"""What goes into a machine, through it, and out of it has at most 262,144 bytes of UTF-8.

AWS: Developer Guide, "Step Functions service quotas": input or output of a task, state or execution. API reference: the
input of StartExecution and the output of SendTaskSuccess count "as bytes in UTF-8 encoding", the error and cause of
SendTaskFailure as characters; botocore's model has the numbers. Between states the execution fails with
States.DataLimitExceeded. ministack takes any size.

JSON with escapes is never shorter than without: only a text beyond the limit is counted exactly.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from ministack.core.responses import error_response_json
from ministack.services import stepfunctions as sfn

from headway.cloud.patches import executions

LONGEST_BYTES: Final = 262_144
"""botocore's model, shape SensitiveData."""
ERROR_LENGTH: Final = 256
CAUSE_LENGTH: Final = 32_768
"""Characters; botocore's model, shapes SensitiveError and SensitiveCause."""

Answer = Callable[[Mapping[str, Any]], Any]


def too_long(text: str) -> bool:
    """Return whether a text as it is has too many bytes."""
    return len(text) > LONGEST_BYTES // 4 and len(text.encode("utf-8", "surrogatepass")) > LONGEST_BYTES


def data_too_long(text: str, data: Any) -> bool:
    """Return whether data has too many bytes as JSON; `text` is it with escapes and spaces."""
    if len(text) <= LONGEST_BYTES:
        return False
    return too_long(json.dumps(data, ensure_ascii=False, separators=(",", ":")))


def _bounded(field: str, longest: int, exceeds: Callable[[str], bool], answer: Answer) -> Answer:
    def answer_bounded(request: Mapping[str, Any]) -> Any:
        value = request.get(field)
        if isinstance(value, str) and exceeds(value):
            words = f"Value at '{field}' failed to satisfy constraint: Member must have length less than or equal to"
            return error_response_json("ValidationException", f"1 validation error detected: {words} {longest}", 400)
        return answer(request)

    return answer_bounded


def apply() -> None:
    """Bound what comes from outside, and what states pass on."""
    text_of = executions.data_text

    def bounded_text(state_name: str, data: Any) -> str:
        text = text_of(state_name, data)
        if data_too_long(text, data):
            what = f"The state/task '{state_name}' returned a result with a size exceeding the maximum number of bytes"
            raise sfn._ExecutionError("States.DataLimitExceeded", f"{what} service limit.")
        return text

    executions.data_text = bounded_text
    sfn._start_execution = _bounded("input", LONGEST_BYTES, too_long, sfn._start_execution)
    sfn._start_sync_execution = _bounded("input", LONGEST_BYTES, too_long, sfn._start_sync_execution)
    sfn._send_task_success = _bounded("output", LONGEST_BYTES, too_long, sfn._send_task_success)
    failure = _bounded("error", ERROR_LENGTH, lambda text: len(text) > ERROR_LENGTH, sfn._send_task_failure)
    sfn._send_task_failure = _bounded("cause", CAUSE_LENGTH, lambda text: len(text) > CAUSE_LENGTH, failure)
