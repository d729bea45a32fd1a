"""`headway up` with a changed machine and a changed contract, while two hundred lines of a run are on their way."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from headway_cdk.names import lane_stack, state_stack, workflows_stack
from headway_cdk.project import Project, find

from headway.deployment import local, scaffold
from headway.deployment.synthesis import synthesize
from headway.run.batch import run_file
from headway.run.preparation import Choices
from headway.run.results import LineOutcome
from headway.run.run_result import RunResult
from headway.simulator.offer import Offer
from headway.simulator.rate import Rate
from headway.simulator.vendor_report import VendorReport
from headway.testing.laboratory import VENDOR, Laboratory, laboratory
from headway.testing.waiting import await_count

WORKFLOW: Final = "order"
LINES_COUNT: Final = 200
UNDER_WAY_COUNT: Final = 40
"""Calls that the vendor has when the second deployment begins."""
FIRST_PER_S: Final = 10
SECOND_PER_S: Final = 8
"""The stricter contract, which the vendor judges by from the first call on."""
TUNING: Final = {"delay_ms": 0, "rate_per_s": 6, "headroom_ms": 100}
"""A pace that fits both, so that the run is still going on."""
SECOND_TOLERATED_S: Final = 600
STAMP: Final = "second deployment"
QUIET: Final = Choices(write_report=False)


@dataclass(frozen=True, slots=True)
class Seen:
    """What was there when the second deployment had ended, and in the end."""

    changed: frozenset[str]
    called_then_count: int
    result: RunResult
    vendor: VendorReport
    later: RunResult
    denials_count: int


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    scratch = tmp_path_factory.mktemp("mid-run")
    scaffold.write("bakery", scratch)
    root, assembly, changed_assembly = scratch / "bakery", scratch / "first", scratch / "second"
    _pace(root)
    written = {path: path.read_text() for path in (_machine(root), _contract(root))}
    _change(root)
    synthesize(changed_assembly, find(root))  # beforehand: the run does not wait for it
    for path, text in written.items():
        path.write_text(text)
    project = find(root)
    offer = Offer(submit=Rate(SECOND_PER_S, 1), job_time_s=2.0)
    with laboratory(scratch / "state", offer=offer, project=project, assembly=assembly) as lab:
        with ThreadPoolExecutor(1) as beside:
            running = beside.submit(_run, lab, project, _lines(scratch / "lines.jsonl", LINES_COUNT))
            await_count(lab.vendor.admitted_count, UNDER_WAY_COUNT, "calls under way")
            before = _updates(lab)
            _change(root)
            local.up(find(root), {VENDOR: lab.vendor.url}, state_dir=lab.state_dir, assembly=changed_assembly)
            called_then_count = lab.vendor.admitted_count()
            changed = frozenset(name for name, when in _updates(lab).items() if when != before[name])
            result = running.result()
        report = lab.vendor.report()
        later = _run(lab, find(root), _lines(scratch / "later.jsonl", 1, first=LINES_COUNT))
        yield Seen(changed, called_then_count, result, report, later, len(lab.denials()))


def test_what_has_changed_is_deployed_while_the_run_goes_on_and_nothing_else(seen: Seen) -> None:
    of_the_vendor = {state_stack("dev", VENDOR), lane_stack("dev", VENDOR)}
    assert seen.changed == {*of_the_vendor, workflows_stack("dev")}, (
        "a queue's visibility follows from the contract, too"
    )
    assert UNDER_WAY_COUNT <= seen.called_then_count < LINES_COUNT, "the run was not over when it had been deployed"


def test_every_line_ends_right_with_its_own_result(seen: Seen) -> None:
    assert seen.result.count(LineOutcome.SUCCEEDED) == LINES_COUNT, seen.result.failures
    said = [_echoed(record.output) for record in seen.result.records]
    assert said == list(range(LINES_COUNT))
    assert seen.denials_count == 0


def test_nothing_is_asked_of_the_vendor_twice(seen: Seen) -> None:
    assert sum(seen.vendor.jobs_by_status.values()) == LINES_COUNT
    assert seen.vendor.payload_submitted_twice_count == 0


def test_the_stricter_of_both_contracts_holds_from_the_first_call_to_the_last(seen: Seen) -> None:
    submit = seen.vendor.scopes["submit"]
    assert (submit.violation_count, submit.refused_count) == (0, 0), submit.worst_window_count


def test_an_execution_ends_by_the_machine_that_it_began_with_and_the_next_by_the_new_one(seen: Seen) -> None:
    assert not [record.line for record in seen.result.records if STAMP in json.dumps(record.output)]
    assert [STAMP in json.dumps(record.output) for record in seen.later.records] == [True]


def _run(lab: Laboratory, project: Project, source: Path) -> RunResult:
    return run_file(WORKFLOW, source, lab.connection, QUIET, configuration=project.configuration)


def _lines(path: Path, count: int, first: int = 0) -> Path:
    payloads = ({"version": "v1", "input": {"n": number}} for number in range(first, first + count))
    path.write_text("".join(json.dumps({"payload": payload}) + "\n" for payload in payloads))
    return path


def _echoed(output: Any) -> int:
    """Return the number that the vendor was asked with: its model says what it was given."""
    return int(output["output"]["echo"]["n"])


def _machine(root: Path) -> Path:
    return root / "workflows" / f"{WORKFLOW}.asl.json"


def _contract(root: Path) -> Path:
    return root / "config" / "appconfig" / "vendors" / f"{VENDOR}.yaml"


def _pace(root: Path) -> None:
    """Let permits hold the contract: a pause before each call does not, on a machine that is busy with a deployment."""
    contract = yaml.safe_load(_contract(root).read_text())
    contract["dispatch"]["pacing"] = "permits"
    _contract(root).write_text(yaml.safe_dump(contract))
    tuning = root / "config" / "appconfig" / "tuning" / f"{VENDOR}.yaml"
    tuning.write_text(yaml.safe_dump(TUNING))


def _change(root: Path) -> None:
    """Give the machine a state more, and the contract a lower limit and a longer wait."""
    document = json.loads(_machine(root).read_text())
    states = document["States"]
    del states["UseResult"]["End"]
    states["UseResult"]["Next"] = "StampOrder"
    stamped = f"{{% $merge([$states.input, {{'stamp': '{STAMP}'}}]) %}}"
    states["StampOrder"] = {"Type": "Pass", "Output": stamped, "End": True}
    _machine(root).write_text(json.dumps(document))
    contract = yaml.safe_load(_contract(root).read_text())
    [limit] = [limit for limit in contract["limits"] if limit["scope"] == "submit"]
    assert limit["amount"] == FIRST_PER_S
    limit["amount"] = SECOND_PER_S
    contract["waits"]["tolerated_s"] = SECOND_TOLERATED_S
    _contract(root).write_text(yaml.safe_dump(contract))


def _updates(lab: Laboratory) -> dict[str, str]:
    """Say of each stack when it was changed last."""
    stacks = lab.target.client("cloudformation").describe_stacks()["Stacks"]
    return {stack["StackName"]: str(stack.get("LastUpdatedTime", stack["CreationTime"])) for stack in stacks}
