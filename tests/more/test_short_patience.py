"""A backlog against a contract that lets calls wait for a short time only: `headway run` keeps it outside, so that no
call expires, and the vendor is called once for each line.
"""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from headway_cdk.project import bare
from headway_cdk.resources import EXAMPLE_CONFIGURATION

from headway.run.batch import run_file
from headway.run.preparation import Choices
from headway.run.results import LineOutcome
from headway.run.run_result import RunResult
from headway.run.tally import RunTally
from headway.simulator.vendor_report import VendorReport
from headway.testing.lab_vendor import in_process
from headway.testing.laboratory import VENDOR, WORKFLOW, deployed

LINES = 400
RATE_PER_S = 2
WAITS = {"tolerated_s": 20, "answer_s": 20}
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
    configuration = scratch / "configuration"
    shutil.copytree(EXAMPLE_CONFIGURATION, configuration)
    path = configuration / "vendors" / f"{VENDOR}.yaml"
    document = yaml.safe_load(path.read_text())
    document["limits"][0]["amount"] = RATE_PER_S
    document["waits"] = WAITS
    document["dispatch"]["pacing"] = "permits"
    del document["poll"]
    path.write_text(yaml.safe_dump(document))
    tuning = configuration / "tuning" / f"{VENDOR}.yaml"
    tuning.write_text(yaml.safe_dump({**yaml.safe_load(tuning.read_text()), "rate_per_s": RATE_PER_S}))
    source = scratch / "lines.jsonl"
    source.write_text(
        "".join(json.dumps({"payload": {"version": "v", "input": {"n": n}}}) + "\n" for n in range(LINES))
    )
    tallies: list[RunTally] = []
    with (
        in_process(scratch, VENDOR, {"--submit-rate": f"{RATE_PER_S}/1", "--job-time": 2}) as vendor,
        deployed(scratch, [vendor], project=bare(configuration), assembly=scratch / "assembly") as lab,
    ):
        result = run_file(
            WORKFLOW,
            source,
            lab.connection,
            Choices(write_report=False),
            progress=tallies.append,
            configuration=configuration,
        )
        yield Seen(result, tallies, vendor.report())


def test_every_line_succeeds_and_the_vendor_is_called_once_for_each(seen: Seen) -> None:
    assert seen.result.counts == {LineOutcome.SUCCEEDED: LINES}, seen.result.failures
    submit = seen.report.scopes["submit"]
    assert (submit.call_count, submit.violation_count) == (LINES, 0)
    assert seen.report.payload_submitted_twice_count == 0


def test_no_more_wait_than_the_contract_takes_in_time_and_the_lane_never_runs_dry(seen: Seen) -> None:
    waits = [wait for tally in seen.tallies for wait in tally.waits]
    assert {wait.limit_count for wait in waits} == {SOFT_LIMIT}
    assert max(wait.waiting_count for wait in waits) <= SOFT_LIMIT
    full = [tally.waits[0].waiting_count for tally in seen.tallies if tally.counts.unstarted_count]
    assert min(full[len(full) // 10 :]) >= RATE_PER_S, full
