"""The demo: one display after the other, and an exit code that says whether the contract held."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from headway_cdk.project import Project

from headway.run import batch
from headway.run.run_result import RunResult
from headway.simulator.offer import Offer
from headway.simulator.simulator import Simulator
from headway.simulator.vendor_report import VendorReport
from headway.testing import demonstration
from headway.testing.demonstration import Demonstration, demonstrate

RESULT = RunResult(
    workflow="call_vendor",
    target="local",
    source=Path("in.jsonl"),
    results=Path("in.results.jsonl"),
    began=0,
    counts={},
    failures=(),
    bad_lines=(),
    skipped_count=0,
    open_count=0,
    unstarted_count=0,
    interrupted=False,
    vendors={},
)
SEEN = Simulator(Offer()).report()


class FakeVendor:
    def report(self) -> VendorReport:
        return SEEN


class FakeLaboratory:
    connection = object()
    vendor = FakeVendor()


def test_the_sample_runs_on_a_laboratory_that_is_gone_afterwards_and_the_displays_take_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    @contextmanager
    def display(name: str) -> Iterator[Callable[[Any], None]]:
        told.append(f"{name} begins")
        yield told.append
        told.append(f"{name} ends")

    @contextmanager
    def laboratory(
        state_dir: Path, *, offer: Offer, project: Project, progress: Callable[[str], None]
    ) -> Iterator[FakeLaboratory]:
        assert (state_dir, offer.job_time_s, project.name) == (tmp_path, 7, "shop")
        progress("up")
        yield FakeLaboratory()
        told.append("down")

    def run_file(workflow: str, source: Path, connection: object, **options: Any) -> RunResult:
        assert (workflow, connection) == ("order", FakeLaboratory.connection)
        assert len(source.read_text().splitlines()) == 100
        assert options["vendor_report"]() == SEEN.as_json()
        options["progress"]("running")
        return RESULT

    monkeypatch.setattr(demonstration, "laboratory", laboratory)
    monkeypatch.setattr(batch, "run_file", run_file)
    shown = demonstrate(tmp_path, 7, starting=display("spinner"), running=display("bar"))
    assert shown == Demonstration(RESULT, SEEN)
    assert told == ["spinner begins", "up", "spinner ends", "bar begins", "running", "bar ends", "down"]


def test_a_call_beyond_the_contract_is_exit_code_1_however_the_run_ended() -> None:
    submit = replace(SEEN.scopes["submit"], violation_count=1)
    over = replace(SEEN, scopes={**SEEN.scopes, "submit": submit})
    crowded = replace(SEEN, jobs_in_flight=replace(SEEN.jobs_in_flight, violation_count=1))
    interrupted = replace(RESULT, interrupted=True)
    assert [Demonstration(RESULT, seen).exit_code for seen in (SEEN, over, crowded)] == [0, 1, 1]
    assert [Demonstration(interrupted, seen).exit_code for seen in (SEEN, over)] == [130, 1]


def test_a_report_that_went_over_the_wire_is_the_same() -> None:
    wire = json.loads(json.dumps(SEEN.as_json(arrivals=True)))
    assert VendorReport.from_json(wire) == SEEN
