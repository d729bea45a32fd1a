"""A backlog against a contract that lets calls wait for a short time only: `headway run` keeps it outside, so that no
call expires, and the vendor is called once for each line.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from headway.run.batch import run_file
from headway.run.preparation import Choices
from headway.run.results import LineOutcome
from headway.run.run_result import RunResult
from headway.run.tally import RunTally
from headway.simulator.vendor_report import VendorReport
from headway.testing.laboratory import WORKFLOW
from tests.more.short_patience import CALLS_COUNT, RATE_PER_S, WAITS, short_patience_laboratory

SOFT_LIMIT = RATE_PER_S * WAITS["tolerated_s"]


@dataclass(frozen=True)
class Seen:
    """A whole run, how it stood twice a second, and what the vendor saw."""

    result: RunResult
    tallies: list[RunTally]
    report: VendorReport


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    scratch: Path = tmp_path_factory.mktemp("patience")
    source = scratch / "lines.jsonl"
    source.write_text(
        "".join(json.dumps({"payload": {"version": "v", "input": {"n": n}}}) + "\n" for n in range(CALLS_COUNT))
    )
    tallies: list[RunTally] = []
    with short_patience_laboratory(scratch) as lab:
        result = run_file(
            WORKFLOW,
            source,
            lab.connection,
            Choices(write_report=False),
            progress=tallies.append,
            configuration=lab.project.configuration,
        )
        yield Seen(result, tallies, lab.vendor.report())


def test_every_line_succeeds_and_the_vendor_is_called_once_for_each(seen: Seen) -> None:
    assert seen.result.counts == {LineOutcome.SUCCEEDED: CALLS_COUNT}, seen.result.failures
    submit = seen.report.scopes["submit"]
    assert (submit.call_count, submit.violation_count) == (CALLS_COUNT, 0)
    assert seen.report.payload_submitted_twice_count == 0


def test_no_more_wait_than_the_contract_takes_in_time_and_the_lane_never_runs_dry(seen: Seen) -> None:
    waits = [wait for tally in seen.tallies for wait in tally.waits]
    assert {wait.limit_count for wait in waits} == {SOFT_LIMIT}
    assert max(wait.waiting_count for wait in waits) <= SOFT_LIMIT
    full = [tally.waits[0].waiting_count for tally in seen.tallies if tally.counts.unstarted_count]
    assert min(full[len(full) // 10 :]) >= RATE_PER_S, full
