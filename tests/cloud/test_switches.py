"""The switch itself: a cloud that starts with a name that is no refusal does not start."""

from pathlib import Path

import pytest

from headway.cloud import process
from headway.cloud.strictness import LENIENT_VARIABLE
from headway.errors import UsageProblem


def test_a_cloud_that_shall_leave_out_what_there_is_not_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="gravity"):
        process.start(tmp_path, extra_environment={LENIENT_VARIABLE: "gravity"})
    assert process.status(tmp_path) is None
