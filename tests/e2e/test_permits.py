"""The other way of pacing, end to end: permits, booked ahead, kept by the caller, and braked by the vendor's 429."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from cdk.configuration import load_vendors
from functions.contract.vendor import Scope
from functions.limiter.permits import Permit, rule_of
from functions.limiter.tuning import Tuning
from functions.limiter.turn import BRAKE_S
from headway.synthesis import ASSEMBLY, CONFIGURATION
from tests.e2e.laboratory import VENDOR, Laboratory, laboratory
from tests.e2e.running import good, lines, records, run

HEARD_S = 0.5
"""By then every caller has heard of a brake: answer, write, and the slot of who has looked just before."""
TUNING = {"delay_ms": 0, "rate_per_s": 10, "headroom_ms": 100}
PERMITS = ASSEMBLY.parent / "permits"


@pytest.fixture(scope="module")
def paced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    configuration = PERMITS / "configuration"
    shutil.rmtree(configuration, ignore_errors=True)
    shutil.copytree(CONFIGURATION, configuration)
    contract = yaml.safe_load((configuration / "vendors" / f"{VENDOR}.yaml").read_text())
    contract["dispatch"]["pacing"] = "permits"
    (configuration / "vendors" / f"{VENDOR}.yaml").write_text(yaml.safe_dump(contract))
    (configuration / "tuning" / f"{VENDOR}.yaml").write_text(yaml.safe_dump(TUNING))
    with laboratory(tmp_path_factory.mktemp("permits"), configuration, PERMITS / "assembly") as built:
        yield built


def test_a_call_leaves_at_its_slot_in_the_book(paced: Laboratory) -> None:
    paced.end_of(paced.start("slotted", {"version": "v1", "input": {"prompt": "on time"}}))
    record = paced.record("slotted")
    permit = Permit(**json.loads(paced.execution(record["lease_owner"])["input"])["permit"])
    [files] = load_vendors(PERMITS / "configuration")
    rule = rule_of(files.vendor.limits_of(Scope.SUBMIT), Tuning.from_document(TUNING).headroom_ms * 1_000, 10)
    entry = paced.book()
    assert entry["rule"]["interval_us"] == rule.interval_us
    assert entry["book"]["number"] > permit.number, "the permit is booked"
    assert entry["book"]["next_us"] >= permit.slot_us + rule.interval_us, "and its slot is nobody else's"
    [arrival_ms] = paced.seen_by_vendor()["scopes"]["submit"]["arrivals_epoch_ms"]
    assert permit.slot_us / 1_000 <= arrival_ms
    assert int(record["queued_epoch_ms"]) <= permit.slot_us / 1_000, "booked ahead of time"


def test_a_429_brakes_every_caller_and_costs_no_call(paced: Laboratory, tmp_path: Path) -> None:
    httpx.post(f"{paced.vendor.url}/_headway/reset").raise_for_status()
    dead_count, before = paced.depth(paced.lane["request_dlq_url"]), paced.book()["book"]
    faults = {"refuse_next": 1, "retry_after_s": 2}
    httpx.post(f"{paced.vendor.url}/_headway/faults", json=faults).raise_for_status()
    source = lines(tmp_path / "braked.jsonl", *(good(f"braked {number}") for number in range(12)))
    exit_code, _, _ = run(paced, source, "--no-report")
    assert exit_code == 0
    assert [record["outcome"] for record in records(source).values()] == ["succeeded"] * 12
    assert paced.depth(paced.lane["request_dlq_url"]) == dead_count, "nothing was put aside"

    seen = paced.seen_by_vendor()["scopes"]["submit"]
    assert (seen["call_count"], seen["refused_count"], seen["violation_count"]) == (13, 1, 0)
    refused_ms, *others_ms = sorted(seen["arrivals_epoch_ms"])
    after_s = [(arrival_ms - refused_ms) / 1_000 for arrival_ms in others_ms]
    assert not [arrival_s for arrival_s in after_s if HEARD_S < arrival_s < BRAKE_S]
    assert after_s[-1] > BRAKE_S
    book = paced.book()["book"]
    assert book["generation"] == before["generation"] + 1, "all callers braked once for one trouble"
    # On AWS it is the two seconds that the vendor asks for; the embedded proxy loses the answer's Retry-After.
    assert BRAKE_S <= book["resume_us"] / 1_000_000 - refused_ms / 1_000 < faults["retry_after_s"]
