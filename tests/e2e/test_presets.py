"""Vendors as data, end to end: presets as they ship, `headway run`, and a simulator that speaks each one's shape.

Four of them, which have all that a contract file can say, run always; `make presets` runs the others. Not all at once:
a stack has room for 500 resources, which is eight vendors.
"""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from headway.cli import app
from headway.commands.status import jobs_in_flight_taken
from headway.simulator.server import VendorServer
from headway.testing.laboratory import until
from headway.testing.pipeline import depth
from headway.testing.presets import IN_FLIGHT, PRESETS, PresetLab, preset_lab
from headway.testing.running import lines, records

CHOSEN = ["adyen", "assemblyai", "deepgram", "twilio"]
OTHERS = sorted({path.stem for path in PRESETS.glob("*.yaml")} - set(CHOSEN))
CALLS = 4
FAILED = {1, 3}
"""Jobs that the vendor fails, by the order in which it has accepted them."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the tests for the chosen presets, or for the others."""
    if "name" in metafunc.fixturenames:
        metafunc.parametrize("name", OTHERS if metafunc.config.getoption("--other-presets") else CHOSEN)


@pytest.fixture(scope="module")
def sold(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PresetLab]:
    names = OTHERS if request.config.getoption("--other-presets") else CHOSEN
    with preset_lab(tmp_path_factory.mktemp("preset_lab"), names) as built:
        yield built


def run(sold: PresetLab, name: str, folder: Path, calls_count: int = CALLS) -> dict[int, dict[str, Any]]:
    """Run a file of calls to one vendor; returns the records by line."""
    source = lines(folder / f"{name}.jsonl", *(json.dumps({"payload": {"prompt": f"{n}"}}) for n in range(calls_count)))
    words = ["run", "call_vendor", "--vendor", name, "--input", str(source), "--no-report", "--quiet"]
    words += ["--config-dir", str(sold.configuration), "--state-dir", str(sold.state_dir)]
    CliRunner().invoke(app, words)
    return records(source)


def test_a_preset_runs_from_its_contract_file_alone(sold: PresetLab, name: str, tmp_path: Path) -> None:
    found = run(sold, name, tmp_path)
    contract, seen = sold.contracts[name], sold.vendors[name].report()
    callback = contract.get("callback", {})
    failed_count = len(FAILED) if "failure" in callback else 0
    outcomes = [record["outcome"] for record in found.values()]
    said = {line: (record["outcome"], record["error"], record["cause"]) for line, record in found.items()}
    assert outcomes.count("succeeded") == CALLS - failed_count, said
    assert outcomes.count("failed") == failed_count, said
    for line, record in found.items():
        if record["outcome"] == "succeeded":
            assert f'"prompt": "{line - 1}"' in json.dumps(record["output"]), "each line has its own result"
        else:
            assert record["error"] == "Vendor.JobFailed"
    events_count = CALLS * ((2 if "progress" in callback else 1) if callback else 0)
    until(lambda: sold.vendors[name].report().callbacks.delivered_count == events_count)
    assert sum(seen.jobs_by_status.values()) == CALLS
    assert (seen.scopes["submit"].violation_count, seen.payload_submitted_twice_count) == (0, 0)
    shared = any(limit.get("scope") == "any" for limit in contract["limits"])
    others_count = CALLS - failed_count + (0 if callback else CALLS) if shared else 0
    assert seen.scopes["submit"].call_count >= CALLS + others_count, "where polls and results count, they are counted"


def test_no_callback_of_any_preset_was_refused(sold: PresetLab) -> None:
    assert depth(sold.target.client("sqs"), sold.stack.outputs["CallbackDlqUrl"]) == 0


def test_jobs_that_nobody_calls_back_about_are_asked_about_and_end_as_they_did(sold: PresetLab, tmp_path: Path) -> None:
    polled = polled_of(sold)
    vendor = sold.vendors[polled]
    before = Counter(vendor.report().jobs_by_status)
    with faults(vendor, lost_callbacks=True):
        found = run(sold, polled, tmp_path)
    jobs = Counter(vendor.report().jobs_by_status) - before
    ends = Counter(record["error"] or record["outcome"] for record in found.values())
    assert ends == Counter({"succeeded": jobs["succeeded"], "Vendor.JobFailed": jobs["failed"]})
    assert vendor.report().callbacks.lost_count >= CALLS, "progress is lost as well"


def test_a_job_that_the_vendor_has_lost_ends_its_workflow_with_a_name(sold: PresetLab, tmp_path: Path) -> None:
    polled = polled_of(sold)
    with faults(sold.vendors[polled], lost_callbacks=True, lost_jobs=True):
        [record] = run(sold, polled, tmp_path, calls_count=1).values()
    assert (record["outcome"], record["error"]) == ("failed", "Vendor.JobUnknown")


def test_a_large_request_and_a_large_result_pass_as_claim_checks(sold: PresetLab, tmp_path: Path) -> None:
    name = polled_of(sold)
    sizes = [300 * 1_024, 2 * 1_024 * 1_024]
    source = lines(tmp_path / "large.jsonl", *(json.dumps({"payload": {"prompt": "x" * size}}) for size in sizes))
    words = ["run", "call_vendor", "--vendor", name, "--input", str(source), "--no-report", "--quiet"]
    with faults(sold.vendors[name], no_failures=True):
        CliRunner().invoke(app, [*words, "--config-dir", str(sold.configuration), "--state-dir", str(sold.state_dir)])
    found = records(source)
    for line, size in enumerate(sizes, start=1):
        assert found[line]["outcome"] == "succeeded", (found[line]["error"], found[line]["cause"])
        claim = found[line]["output"]["result"]["headway_claim"]
        assert claim["size_bytes"] > size
        stored = sold.target.client("s3").get_object(Bucket=claim["bucket"], Key=claim["key"])["Body"].read()
        assert json.loads(stored)["output"]["echo"]["prompt"] == "x" * size, "the vendor had it whole"


def polled_of(sold: PresetLab) -> str:
    """Return a vendor whose jobs can be asked about."""
    return next(name for name, contract in sold.contracts.items() if {"poll", "callback"} <= contract.keys())


@contextmanager
def faults(vendor: VendorServer, **wanted: bool) -> Iterator[None]:
    """Let things go wrong at a vendor for a while."""
    httpx.post(f"{vendor.url}/_headway/faults", json=wanted).raise_for_status()
    try:
        yield
    finally:
        httpx.post(f"{vendor.url}/_headway/faults", json=dict.fromkeys(wanted, False)).raise_for_status()


def test_no_job_is_one_too_many_and_every_in_flight_permit_is_returned(sold: PresetLab) -> None:
    dynamodb, table_name = sold.target.client("dynamodb"), sold.stack.budgets_table
    for name, contract in sold.contracts.items():
        if any(limit["quantity"] == "jobs_in_flight" for limit in contract["limits"]):
            seen = sold.vendors[name].report().jobs_in_flight
            assert (seen.limit, seen.worst_count, seen.violation_count) == (IN_FLIGHT, IN_FLIGHT, 0), name
            until(lambda name=name: jobs_in_flight_taken(dynamodb, table_name, name, now_s=0) == 0)  # type: ignore[misc]
