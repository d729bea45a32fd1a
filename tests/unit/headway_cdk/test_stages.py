"""Two stages of one vendor account: together they never have more than the vendor sells, and each has its part."""

import shutil
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml
from headway_cdk.configuration import ConfigurationError, load_contract, load_vendors, schema, whole_contract
from headway_cdk.names import RESERVED
from headway_cdk.resources import EXAMPLE_CONFIGURATION
from headway_cdk.stages import DEFAULT_STAGE, STAGE_PATTERN, StageUnshared, contract_of
from headway_lane.contract.limits import Scope
from hypothesis import assume, given
from hypothesis import strategies as st

LIMITS = [
    {"quantity": "calls", "amount": 100, "per_s": 60, "scope": "submit"},
    {"quantity": "calls", "amount": 50, "per_s": 1, "scope": "poll"},
    {"quantity": "jobs_in_flight", "amount": 30},
]


def amounts(document: Mapping[str, Any]) -> list[int]:
    return [limit["amount"] for limit in document["limits"]]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLE_CONFIGURATION, tmp_path / "appconfig"))


def write(directory: Path, name: str = "replicate", **changes: Any) -> Path:
    """Write the shipped contract with changes, as the contract of a vendor."""
    document = yaml.safe_load((EXAMPLE_CONFIGURATION / "vendors" / "replicate.yaml").read_text())
    path = directory / "vendors" / f"{name}.yaml"
    path.write_text(yaml.safe_dump(document | {"vendor": name} | changes))
    return path


@given(
    parts=st.lists(st.integers(min_value=1, max_value=999), min_size=1, max_size=6),
    amount=st.integers(min_value=1, max_value=10_000_000),
)
def test_all_stages_together_never_have_more_than_the_vendor_sells(parts: list[int], amount: int) -> None:
    assume(sum(parts) <= 1_000)
    shares = {f"stage{index}": part / 1_000 for index, part in enumerate(parts)}
    document = {"vendor": "acme", "limits": [{**limit, "amount": amount} for limit in LIMITS], "shares": shares}
    of_stages = [amounts(contract_of(document, stage)) for stage in shares]
    assert all(sum(of_limit) <= amount for of_limit in zip(*of_stages, strict=True))
    for part, [first, *others] in zip(parts, of_stages, strict=True):
        assert first == amount * part // 1_000, "a stage has all of its part that is whole"
        assert others == [first, first]


@pytest.mark.parametrize(("share", "left"), [(0.29, 29), (0.57, 57), (1, 100), (1.0, 100), (0.999, 99), (0.01, 1)])
def test_a_share_is_taken_as_it_is_written(share: float, left: int) -> None:
    part = contract_of({"limits": LIMITS, "shares": {"test": share}}, "test")
    assert amounts(part)[0] == left


def test_a_stage_has_everything_else_of_the_contract_and_does_not_hear_of_shares() -> None:
    document = {"vendor": "acme", "limits": LIMITS, "shares": {"test": 0.1, "prod": 0.9}, "waits": {"answer_s": 5}}
    part = contract_of(document, "prod")
    assert part == {
        "vendor": "acme",
        "limits": [
            {"quantity": "calls", "amount": 90, "per_s": 60, "scope": "submit"},
            {"quantity": "calls", "amount": 45, "per_s": 1, "scope": "poll"},
            {"quantity": "jobs_in_flight", "amount": 27},
        ],
        "waits": {"answer_s": 5},
    }
    assert amounts(document) == [100, 50, 30], "the file's own numbers stay"


@pytest.mark.parametrize("stage", [DEFAULT_STAGE, "test", "prod"])
def test_without_shares_every_stage_has_the_whole_contract(directory: Path, stage: str) -> None:
    path = directory / "vendors" / "replicate.yaml"
    assert load_contract(path, stage) == whole_contract(path)


def test_the_vendors_of_a_stage_have_its_share(directory: Path) -> None:
    write(directory, shares={"test": 0.2, "prod": 0.8})
    rates = {}
    for stage in ("test", "prod"):
        [files] = load_vendors(directory, stage)
        assert "shares" not in files.contract
        rates[stage] = (files.vendor.max_rps(Scope.SUBMIT), files.vendor.max_rps(Scope.POLL))
    assert rates == {"test": (2, 10), "prod": (8, 40)}


def test_a_stage_that_the_shares_do_not_name_is_refused(directory: Path) -> None:
    path = write(directory, shares={"test": 0.2, "prod": 0.8})
    with pytest.raises(ConfigurationError) as refused:
        load_vendors(directory)
    message = f"{path}: `shares` do not name the stage 'dev', but prod, test; add `dev` with its share,"
    assert str(refused.value) == f"{message} or choose one of these stages"
    with pytest.raises(StageUnshared):
        contract_of({"limits": LIMITS, "shares": {"test": 1}}, "prod")


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ({"test": 0.3, "prod": 0.8}, "`shares` come to 1.1, more than the vendor sells; make them 1 at most together"),
        (
            {"test": 0.05, "prod": 0.9},
            "`shares.test` is 0.05, which leaves less than one call of the 10 of `limits.0`; make it 0.1 at least",
        ),
        ({"test": 0}, "`shares.test`: 0 is less than the minimum of 0.001"),
        ({"test": 1.5}, "`shares.test`: 1.5 is greater than the maximum of 1"),
        ({"Test": 0.5}, "`shares`: 'Test' does not match any of the regexes: '^[a-z][a-z0-9]{0,11}$'"),
        ({"atoolongstage": 0.5}, "`shares`: 'atoolongstage' does not match any of the regexes"),
        ({}, "`shares`: {} "),
    ],
)
def test_shares_that_cannot_be_are_one_line_with_file_field_and_correction(
    directory: Path, shares: Any, message: str
) -> None:
    path = write(directory, shares=shares)
    with pytest.raises(ConfigurationError) as refused:
        whole_contract(path)
    assert str(refused.value).startswith(f"{path}: {message}")
    assert "\n" not in str(refused.value)


def test_a_share_of_jobs_in_flight_is_one_at_least_and_the_share_that_is_told_is_enough(directory: Path) -> None:
    limits = [{**LIMITS[0], "amount": 1_000}, {"quantity": "jobs_in_flight", "amount": 3}]
    path = write(directory, limits=limits, shares={"test": 0.33, "prod": 0.6}, dispatch={"pacing": "permits"})
    with pytest.raises(ConfigurationError, match=r"less than one job of the 3 of `limits\.1`; make it 0\.34 at least"):
        whole_contract(path)
    write(directory, limits=limits, shares={"test": 0.34, "prod": 0.6}, dispatch={"pacing": "permits"})
    assert amounts(load_contract(path, "test")) == [340, 1]


@given(amount=st.integers(min_value=1, max_value=5_000))
def test_shares_that_come_to_one_in_decimals_come_to_one(amount: int) -> None:
    shares = {f"stage{index}": 0.1 for index in range(10)}
    assert sum(Fraction(str(share)) for share in shares.values()) == 1
    document = {"limits": [{"quantity": "calls", "amount": amount, "per_s": 1, "scope": "submit"}], "shares": shares}
    assert sum(amounts(contract_of(document, stage))[0] for stage in shares) == amount // 10 * 10


@pytest.mark.parametrize("parts", [[0.1] * 10, [0.34, 0.55, 0.11]])  # whose sum as binary fractions is not 1
def test_shares_that_come_to_all_of_a_contract_are_not_too_much(directory: Path, parts: list[float]) -> None:
    path = write(directory, shares={f"stage{index}": part for index, part in enumerate(parts)})
    left = amounts(load_contract(path, "stage0"))
    assert left == [int(parts[0] * 10), int(parts[0] * 50)]


def test_a_stage_is_called_the_same_in_schema_and_code() -> None:
    assert set(schema("vendor")["properties"]["shares"]["patternProperties"]) == {STAGE_PATTERN}


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_no_vendor_is_called_like_a_stack_of_headways_own(directory: Path, name: str) -> None:
    path = write(directory, name)
    with pytest.raises(ConfigurationError) as refused:
        whole_contract(path)
    said = f"{path}: `vendor` is {name!r}, as a stack of Headway's own is called; choose another name"
    assert str(refused.value) == said
