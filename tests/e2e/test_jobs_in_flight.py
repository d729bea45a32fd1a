"""Jobs in flight, end to end: a vendor that works on three at one time never gets a fourth, and no call is lost."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from headway.commands.status import seats_taken
from headway.synthesis import ASSEMBLY, CONFIGURATION
from headway.vendor.offer import Limit, Offer
from tests.e2e.laboratory import VENDOR, Laboratory, laboratory, until
from tests.e2e.running import good, lines, records, run

SEATED = ASSEMBLY.parent / "seated"
IN_FLIGHT = 3
CALLS = 5


@pytest.fixture(scope="module")
def seated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    configuration = SEATED / "configuration"
    shutil.rmtree(configuration, ignore_errors=True)
    shutil.copytree(CONFIGURATION, configuration)
    path = configuration / "vendors" / f"{VENDOR}.yaml"
    contract = yaml.safe_load(path.read_text())
    contract["limits"].append({"quantity": "jobs_in_flight", "amount": IN_FLIGHT})
    path.write_text(yaml.safe_dump(contract))
    offer = Offer(submit=Limit(10, 1), poll=Limit(50, 1), in_flight=IN_FLIGHT, job_time_s=2)
    with laboratory(tmp_path_factory.mktemp("seated"), configuration, SEATED / "assembly", offer) as built:
        yield built


def test_no_job_is_one_too_many_and_every_seat_is_given_back(seated: Laboratory, tmp_path: Path) -> None:
    source = lines(tmp_path / "seated.jsonl", *(good(f"seated {number}") for number in range(CALLS)))
    exit_code, _, _ = run(seated, source, "--no-report")
    assert exit_code == 0
    assert [record["outcome"] for record in records(source).values()] == ["succeeded"] * CALLS
    seen = seated.seen_by_vendor()
    assert seen["jobs_in_flight"] == {"limit": IN_FLIGHT, "worst_count": IN_FLIGHT, "violation_count": 0}
    assert seen["scopes"]["submit"]["call_count"] == CALLS
    dynamodb, table_name = seated.target.client("dynamodb"), seated.stack.budgets_table
    until(lambda: seats_taken(dynamodb, table_name, VENDOR, now_s=0) == 0)
