"""The switch itself: unknown names are refused, and a cloud that runs is what it is."""

from pathlib import Path

import pytest

from headway.cloud import process
from headway.cloud.strictness import LENIENT_VARIABLE
from headway.errors import StartFailed, UsageProblem
from tests.cloud.started import started


def test_a_cloud_that_runs_is_not_taken_for_a_more_lenient_one(tmp_path: Path) -> None:
    with started(tmp_path):
        with pytest.raises(StartFailed, match="headway down"):
            process.start(tmp_path, extra_environment={LENIENT_VARIABLE: "iam"})
        running = process.status(tmp_path)
        assert process.start(tmp_path) == running


def test_a_cloud_that_shall_leave_out_what_there_is_not_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="gravity"):
        process.start(tmp_path, extra_environment={LENIENT_VARIABLE: "gravity"})
    assert process.status(tmp_path) is None
