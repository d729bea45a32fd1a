"""How large a result may be that a workflow carries (hop 11)."""

import json
from typing import Any, Final

from functions.errors import ErrorCode, FailTask

OUTPUT_LIMIT_BYTES: Final = 262_144
"""What Step Functions takes as a state's output (service quotas)."""
ENVELOPE_BYTES: Final = 4_096
"""Room for what the workflow adds to the result: IDs, status, the outcome."""


def carried(result: Any) -> Any:
    """Return the result; FailTask where Step Functions could not carry it."""
    size_bytes = len(json.dumps(result).encode())
    if size_bytes > OUTPUT_LIMIT_BYTES - ENVELOPE_BYTES:
        raise FailTask(ErrorCode.RESULT_TOO_LARGE, f"the result has {size_bytes} bytes, a state carries 262144")
    return result
