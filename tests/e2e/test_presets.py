"""Vendors as data, end to end: presets as they ship, `headway run`, and a simulator that speaks each one's shape.

Four of them, which have all that a contract file can say, run always, and a fifth whose calls go the direct way;
`make presets` runs the others.
"""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headway.operations.in_flight import jobs_in_flight_count
from headway.testing.laboratory import Laboratory, iam_decisions
from headway.testing.presets import IN_FLIGHT, PRESETS, Terms, preset_laboratory
from headway.testing.waiting import until
from tests.command_line import lines, records, run

CHOSEN = ["deepgram", "twilio"]
OTHERS = sorted({path.stem for path in PRESETS.glob("*.yaml")} - set(CHOSEN))
DIRECT = "generic"
"""Called straight from Step Functions, beside the chosen."""
CALLS = 4
FAILED = {1, 3}
"""Jobs that the vendor fails, by the order in which it has accepted them."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the tests for the chosen presets, or for the others."""
    if "name" in metafunc.fixturenames:
        metafunc.parametrize("name", OTHERS if metafunc.config.getoption("--other-presets") else CHOSEN)


@pytest.fixture(scope="module")
def sold(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    others = request.config.getoption("--other-presets")
    names, terms = (OTHERS, Terms()) if others else ([*CHOSEN, DIRECT], Terms(direct=[DIRECT]))
    with preset_laboratory(tmp_path_factory.mktemp("preset_lab"), names, terms) as built:
        yield built
        assert not built.denials(), "a function may have swallowed it: its role lacks this"


def run_calls(sold: Laboratory, name: str, folder: Path, calls_count: int = CALLS) -> dict[int, dict[str, Any]]:
    """Run a file of calls to one vendor; returns the records by line."""
    source = lines(folder / f"{name}.jsonl", *(json.dumps({"payload": {"prompt": f"{n}"}}) for n in range(calls_count)))
    run(sold, source, "--vendor", name, "--no-report", "--quiet")
    return records(source)


def test_a_preset_runs_from_its_contract_file_alone(sold: Laboratory, name: str, tmp_path: Path) -> None:
    found = run_calls(sold, name, tmp_path)
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


def test_no_callback_of_any_preset_was_refused(sold: Laboratory) -> None:
    assert all(sold.depth(lane.callback_dlq_url) == 0 for lane in sold.stage.lanes.values() if lane.callback_dlq_url)


def test_jobs_that_nobody_calls_back_about_are_asked_about_and_end_as_they_did(
    sold: Laboratory, tmp_path: Path
) -> None:
    polled = polled_of(sold)
    vendor = sold.vendors[polled]
    before = Counter(vendor.report().jobs_by_status)
    with vendor.faulty(lost_callbacks=True):
        found = run_calls(sold, polled, tmp_path)
    jobs = Counter(vendor.report().jobs_by_status) - before
    ends = Counter(record["error"] or record["outcome"] for record in found.values())
    assert ends == Counter({"succeeded": jobs["succeeded"], "Vendor.JobFailed": jobs["failed"]})
    assert vendor.report().callbacks.lost_count >= CALLS, "progress is lost as well"


def test_a_job_that_the_vendor_has_lost_ends_its_workflow_with_a_name(sold: Laboratory, tmp_path: Path) -> None:
    polled = polled_of(sold)
    with sold.vendors[polled].faulty(lost_callbacks=True, lost_jobs=True):
        [record] = run_calls(sold, polled, tmp_path, calls_count=1).values()
    assert (record["outcome"], record["error"]) == ("failed", "Vendor.JobUnknown")


def test_a_large_request_and_a_large_result_pass_as_claim_checks(sold: Laboratory, tmp_path: Path) -> None:
    name = polled_of(sold)
    sizes = [300 * 1_024, 2 * 1_024 * 1_024]
    source = lines(tmp_path / "large.jsonl", *(json.dumps({"payload": {"prompt": "x" * size}}) for size in sizes))
    with sold.vendors[name].faulty(no_failures=True):
        run(sold, source, "--vendor", name, "--no-report", "--quiet")
    found = records(source)
    for line, size in enumerate(sizes, start=1):
        assert found[line]["outcome"] == "succeeded", (found[line]["error"], found[line]["cause"])
        claim = found[line]["output"]["result"]["headway_claim"]
        assert claim["size_bytes"] > size
        stored = sold.target.client("s3").get_object(Bucket=claim["bucket"], Key=claim["key"])["Body"].read()
        assert json.loads(stored)["output"]["echo"]["prompt"] == "x" * size, "the vendor had it whole"


def polled_of(sold: Laboratory) -> str:
    """Return a vendor whose jobs can be asked about."""
    return next(name for name, contract in sold.contracts.items() if {"poll", "callback"} <= contract.keys())


def test_no_job_is_one_too_many_and_every_in_flight_permit_is_returned(sold: Laboratory) -> None:
    for name, contract in sold.contracts.items():
        if any(limit["quantity"] == "jobs_in_flight" for limit in contract["limits"]):
            seen = sold.vendors[name].report().jobs_in_flight
            assert (seen.limit, seen.worst_count, seen.violation_count) == (IN_FLIGHT, IN_FLIGHT, 0), name
            until(lambda name=name: jobs_in_flight_count(sold.connection, name, now_s=0) == 0)  # type: ignore[misc]


@pytest.fixture
def direct(request: pytest.FixtureRequest, sold: Laboratory) -> Laboratory:
    if request.config.getoption("--other-presets"):
        pytest.skip("goes the direct way beside the chosen ones only")
    return sold


def directly(lab: Laboratory, *names: str, **faults: Any) -> list[dict[str, Any]]:
    """Make one call a name the direct way, while the vendor has these faults; return how their workflows ended."""
    lab.vendors[DIRECT].reset()
    lab.vendors[DIRECT].switch(no_failures=True, **faults)
    arns = lab.start_all({name: {"payload": {"prompt": name, "tone": None}} for name in names}, DIRECT)
    return [dict(lab.end_of(arn)) for arn in arns]


def test_step_functions_calls_a_vendor_itself_and_the_payload_arrives_whole(direct: Laboratory) -> None:
    assert direct.lane_of(DIRECT).caller_function is None
    names = [f"direct-{number}" for number in range(CALLS)]
    for name, end in zip(names, directly(direct, *names), strict=True):
        assert end["status"] == "SUCCEEDED", (end.get("error"), end.get("cause"))
        assert json.loads(end["output"])["result"]["output"]["echo"] == {"prompt": name, "tone": None}
        assert direct.record(name, DIRECT)["state"] == "resumed"
    seen = direct.vendors[DIRECT].report()
    assert (seen.scopes["submit"].call_count, seen.payload_submitted_twice_count) == (CALLS, 0)


def test_the_direct_way_finds_the_call_of_an_answer_that_came_before_its_job_id(direct: Laboratory) -> None:
    [end] = directly(direct, "direct-early", early_callbacks=True, slow_answer_s=1.0)
    assert end["status"] == "SUCCEEDED", (end.get("error"), end.get("cause"))
    settled = [found for found in iam_decisions(direct.connection)["allowed"] if found["principal"].endswith("settler")]
    assert "states:SendTaskSuccess" in {found["action"] for found in settled}, "no callback did it"


def test_the_direct_way_repeats_a_call_that_the_vendor_throttles(direct: Laboratory) -> None:
    [end] = directly(direct, "direct-throttled", refuse_next=2)
    assert end["status"] == "SUCCEEDED", (end.get("error"), end.get("cause"))
    assert direct.vendors[DIRECT].report().scopes["submit"].call_count == 3


def test_the_direct_way_fails_the_task_of_a_call_that_the_vendor_does_not_take(direct: Laboratory) -> None:
    [end] = directly(direct, "direct-rejected", down=True)
    assert (end["status"], end["error"]) == ("FAILED", "Vendor.Unavailable")
    assert end["cause"] == f"{DIRECT}: ApiGateway.503; not repeated, a job could be doubled"
    assert direct.record("direct-rejected", DIRECT)["state"] == "rejected"
    assert direct.vendors[DIRECT].report().scopes["submit"].call_count == 1, "nobody knows whether it took the first"
