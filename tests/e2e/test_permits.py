"""The other way of pacing, end to end: permits, reserved ahead, kept by the caller, and cooling down by a vendor in
trouble.
"""

import json
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import pytest
import yaml
from headway_cdk.configuration import load_vendors
from headway_cdk.project import bare
from headway_cdk.resources import EXAMPLE_CONFIGURATION
from headway_lane.contract.limits import Scope
from headway_lane.contract.tuning import Tuning
from headway_lane.limiter.core.circuit import CLOSED, THRESHOLD, Circuit, CircuitState
from headway_lane.limiter.core.rule import rule_of
from headway_lane.limiter.core.seen import SWITCH_US
from headway_lane.limiter.core.signals import Reason
from typer.testing import CliRunner

from headway.cli import app
from headway.deployment.places import STATE_DIR
from headway.operations.budgets import budget_statuses
from headway.testing.laboratory import VENDOR, Laboratory, laboratory
from headway.testing.waiting import until
from tests.command_line import good, lines, records, run

HEARD_S = 0.6
"""By then every caller has heard of a cool-down: the slot of who has looked just before it was written."""
BEFORE_COUNT = 5
RETRY_AFTER_S = 5
TUNING = {"delay_ms": 0, "rate_per_s": 10, "headroom_ms": 100}
PERMITS = STATE_DIR / "permits"


@pytest.fixture(scope="module")
def paced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    configuration = PERMITS / "configuration"
    shutil.rmtree(configuration, ignore_errors=True)
    shutil.copytree(EXAMPLE_CONFIGURATION, configuration)
    contract = yaml.safe_load((configuration / "vendors" / f"{VENDOR}.yaml").read_text())
    contract["dispatch"]["pacing"] = "permits"
    contract["submit"]["ambiguity"] = "retry"
    (configuration / "vendors" / f"{VENDOR}.yaml").write_text(yaml.safe_dump(contract))
    (configuration / "tuning" / f"{VENDOR}.yaml").write_text(yaml.safe_dump(TUNING))
    assembly = PERMITS / "assembly"
    with laboratory(
        tmp_path_factory.mktemp("permits"), project=bare(configuration.resolve()), assembly=assembly
    ) as built:
        yield built
        assert not built.denials(), "a function may have swallowed it: its role lacks this"


def test_a_call_beside_an_idle_budget_reserves_for_itself_and_leaves_at_its_slot(paced: Laboratory) -> None:
    paced.end_of(paced.start("slotted", {"version": "v1", "input": {"prompt": "on time"}}))
    assert json.loads(paced.last_dispatch()["input"])["permit"] == {}, "nobody has reserved ahead for it"
    [files] = load_vendors(PERMITS / "configuration")
    rule = rule_of(files.vendor.limits_of(Scope.SUBMIT), Tuning.from_document(TUNING).least_headroom_ms * 1_000, 10)
    entry = paced.reservations()
    assert (entry["rule"]["headroom_us"], entry["reservations"]["number"]) == (rule.headroom_us, 1)
    slot_us = entry["reservations"]["theoretical_arrival_us"] - rule.emission_interval_us
    [arrival_ms] = paced.vendor.report().scopes["submit"].arrivals_epoch_ms
    assert slot_us / 1_000 <= arrival_ms < (slot_us + rule.emission_interval_us) / 1_000, (
        "and its slot is nobody else's"
    )


def test_a_429_in_mid_run_cools_down_every_caller_and_costs_no_call(paced: Laboratory, tmp_path: Path) -> None:
    paced.vendor.reset()
    dead_count = paced.depth(paced.lane.request_dlq_url)
    source = lines(tmp_path / "cooled_down.jsonl", *(good(f"cooling down {number}") for number in range(24)))
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(run, paced, source, "--no-report")
        until(lambda: len(submits(paced)) >= BEFORE_COUNT)
        paced.vendor.switch(refuse_next=1, retry_after_s=RETRY_AFTER_S)
        exit_code, _, _ = running.result()
    assert exit_code == 0
    assert [record["outcome"] for record in records(source).values()] == ["succeeded"] * 24
    assert paced.depth(paced.lane.request_dlq_url) == dead_count, "nothing was put aside"

    seen, reservations = paced.vendor.report().scopes["submit"], paced.reservations()["reservations"]
    assert (seen.call_count, seen.refused_count, seen.violation_count) == (25, 1, 0)
    assert reservations["cool_down_reason"] == Reason.RETRY_AFTER
    resume_s = reservations["cool_down_until_us"] / 1_000_000
    arrivals_s = submits(paced)
    assert not [at_s for at_s in arrivals_s if resume_s - RETRY_AFTER_S + HEARD_S < at_s < resume_s]
    assert sum(at_s < resume_s for at_s in arrivals_s) >= BEFORE_COUNT
    assert any(at_s > resume_s for at_s in arrivals_s)


def test_calls_wait_for_a_vendor_that_fails_and_a_probe_lets_them_go(paced: Laboratory, tmp_path: Path) -> None:
    paced.vendor.reset()
    dead_count = paced.depth(paced.lane.request_dlq_url)
    source = lines(tmp_path / "failed.jsonl", *(good(f"failed {number}") for number in range(10)))
    paced.vendor.switch(down=True)
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(run, paced, source, "--no-report")
        opened = until(
            lambda: (reservations := paced.reservations()["reservations"])["circuit"]["period_us"] and reservations
        )
        [submit, *_] = budget_statuses(paced.connection, time.time_ns() // 1_000)
        assert (submit.circuit, submit.cool_down_reason) == (CircuitState.OPEN, Reason.CIRCUIT)
        assert paced.depth(paced.lane.request_dlq_url) == dead_count
        paced.vendor.switch(down=False)
        exit_code, _, _ = running.result()
    assert exit_code == 0
    assert [record["outcome"] for record in records(source).values()] == ["succeeded"] * 10
    assert paced.depth(paced.lane.request_dlq_url) == dead_count, "nothing was put aside"
    assert paced.reservations()["reservations"]["circuit"] == json.loads(json.dumps(asdict(CLOSED)))

    circuit = Circuit(**{**opened["circuit"], "failed": ()})
    opened_s, resume_s = (circuit.resume_us - circuit.period_us) / 1_000_000, circuit.resume_us / 1_000_000
    arrivals_s = submits(paced)
    assert sum(at_s < resume_s for at_s in arrivals_s) >= THRESHOLD
    assert not [at_s for at_s in arrivals_s if opened_s + HEARD_S < at_s < resume_s]
    probe_s, following_s = [at_s for at_s in arrivals_s if at_s > resume_s][:2]
    assert following_s > probe_s + SWITCH_US / 1_000_000, "the others leave when the probe has told"
    assert paced.vendor.report().scopes["submit"].violation_count == 0

    places = ["--state-dir", str(paced.state_dir), "--config-dir", str(paced.project.configuration)]
    said = CliRunner().invoke(app, ["status", "--json", *places])
    [budget] = [budget for budget in json.loads(said.stdout)["budgets"] if budget["scope"] == "submit"]
    assert (budget["circuit"], budget["cool_down_reason"], budget["failure_count"]) == ("closed", None, 0)
    shown = CliRunner().invoke(app, ["status", *places]).stdout
    assert f"{VENDOR} submit" in shown


def submits(paced: Laboratory) -> list[float]:
    """Return when each submit has come to the vendor's door so far, in epoch seconds, ascending."""
    return sorted(at_ms / 1_000 for at_ms in paced.vendor.report().scopes["submit"].arrivals_epoch_ms)
