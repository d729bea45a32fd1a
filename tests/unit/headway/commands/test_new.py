"""`headway new`: files that begin from something that works."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from headway_cdk.configuration import load_contract
from headway_cdk.project import find
from headway_cdk.workflow_sketch import sketch
from typer.testing import CliRunner, Result

from headway.cli import app
from headway.deployment import presets, scaffold
from headway.errors import UsageProblem
from headway.partner.examples import read_examples
from tests.project_suite import run_suite


def new(*words: str) -> Result:
    return CliRunner().invoke(app, ["new", *words])


def new_vendor(configuration: Path, *words: str) -> Result:
    return new("vendor", *words, "--config-dir", str(configuration))


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new project, which is gone into."""
    scaffold.write("shop", tmp_path)
    monkeypatch.chdir(tmp_path / "shop")
    return tmp_path / "shop"


def files_of(project: Path) -> set[str]:
    return {path.relative_to(project).as_posix() for path in project.rglob("*") if path.is_file()}


def refusal(*words: str) -> str:
    refused = new(*words).exception
    assert isinstance(refused, UsageProblem), refused
    assert "\n" not in str(refused)
    return str(refused)


def test_a_vendor_and_a_workflow_begin_with_tests_that_pass_and_with_lines_to_run(shop: Path) -> None:
    before = files_of(shop)
    assert new("vendor", "acme").exit_code == new("workflow", "acme_order").exit_code == 0
    assert files_of(shop) - before == {
        "config/appconfig/vendors/acme.yaml",
        "tests/examples/acme.yaml",
        "tests/test_acme_vendor.py",
        "workflows/samples/acme.jsonl",
        "workflows/acme_order.asl.json",
        "tests/test_acme_order.py",
        "workflows/samples/acme_order.jsonl",
    }
    done = run_suite(shop, "tests/test_acme_vendor.py", "tests/test_acme_order.py")
    assert (done.returncode, "9 passed" in done.stdout) == (0, True), done.stdout + done.stderr
    assert CliRunner().invoke(app, ["validate"]).exit_code == 0
    lines = [json.loads(line) for line in (shop / "workflows/samples/acme_order.jsonl").read_text().splitlines()]
    assert len({line["payload"]["input"] for line in lines}) == 5


@pytest.mark.parametrize("preset", presets.names())
def test_what_a_preset_says_is_read_as_it_is_meant(shop: Path, preset: str) -> None:
    assert new("vendor", "acme", "--preset", preset).exit_code == 0
    contract, examples = shop / "config/appconfig/vendors/acme.yaml", shop / "tests/examples/acme.yaml"
    found = read_examples(contract, examples)
    assert len(found) > 1
    assert [one.read for one in found] == [one.meant for one in found]


def test_what_the_contract_reads_otherwise_is_seen(shop: Path) -> None:
    new("vendor", "acme")
    contract = shop / "config/appconfig/vendors/acme.yaml"
    contract.write_text(contract.read_text().replace("success: [succeeded]", "success: [completed]"))
    found = read_examples(contract, shop / "tests/examples/acme.yaml")
    assert [one.name for one in found if one.read != one.meant] == ["callback-2-success"]


def test_examples_without_what_they_need_are_one_line(shop: Path) -> None:
    new("vendor", "acme")
    (shop / "tests/examples/acme.yaml").write_text("job_id: 1")
    with pytest.raises(UsageProblem, match=r"acme\.yaml: lacks 'answer'"):
        read_examples(shop / "config/appconfig/vendors/acme.yaml", shop / "tests/examples/acme.yaml")


@pytest.mark.parametrize(
    ("kind", "given", "name"),
    [
        ("workflow", "ReplicateOrder", "replicate_order"),
        ("workflow", " Big order ", "big_order"),
        ("workflow", "big-order", "big-order"),
        ("vendor", "AssemblyAI", "assembly-ai"),
        ("vendor", "open_ai", "open-ai"),
    ],
)
def test_a_name_is_written_as_projects_have_it(shop: Path, kind: str, given: str, name: str) -> None:
    assert json.loads(new(kind, given, "--json").stdout)[kind] == name


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("workflow", "1st"), "'1st' is no name"),
        (("workflow", "../order2"), "'../order2' is no name"),
        (("vendor", ""), "'' is no name"),
        (("vendor", "a" * 32), "is no name"),
        (("workflow", "call_vendor"), "Headway's own machine"),
        (("workflow", "order"), "order.asl.json: is there already"),
        (("vendor", "replicate"), "replicate.yaml: is there already"),
        (("vendor", "tables"), "nothing is written: "),
        (
            ("workflow", "acme_order", "--vendor", "acme"),
            "there is replicate; `headway new vendor acme` begins another",
        ),
    ],
)
def test_what_cannot_be_is_one_line_and_nothing_is_left(shop: Path, words: Sequence[str], said: str) -> None:
    before = files_of(shop)
    assert said in refusal(*words)
    assert files_of(shop) == before


def test_a_workflow_is_for_the_vendor_that_its_name_begins_with(shop: Path) -> None:
    new("vendor", "replicate-two")
    new("workflow", "replicate_two_order")
    new("workflow", "pictures", "--vendor", "Replicate")
    assert "--vendor with one of replicate, replicate-two" in refusal("workflow", "orders")
    named = {
        name: sketch(find(shop), name).grants["states:StartExecution"] for name in ("replicate_two_order", "pictures")
    }
    assert named == {"replicate_two_order": ["replicate-two/call-vendor"], "pictures": ["replicate/call-vendor"]}


@pytest.mark.parametrize("preset", presets.names())
def test_a_vendor_begins_from_any_preset_and_can_be_used_at_once(tmp_path: Path, preset: str) -> None:
    assert new_vendor(tmp_path, "acme-2", "--preset", preset).exit_code == 0
    assert load_contract(tmp_path / "vendors" / "acme-2.yaml")["vendor"] == "acme-2"
    assert files_of(tmp_path) == {"vendors/acme-2.yaml"}


def test_what_is_there_is_not_written_over(tmp_path: Path) -> None:
    new_vendor(tmp_path, "acme")
    path = tmp_path / "vendors" / "acme.yaml"
    path.write_text("mine")
    refused = new_vendor(tmp_path, "acme")
    assert "is there already" in str(refused.exception)
    assert path.read_text() == "mine"


def test_a_preset_that_there_is_not_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    assert "no preset 'acmee'; there is adyen, assemblyai" in str(
        new_vendor(tmp_path, "acme", "--preset", "acmee").exception
    )
