"""`headway plan`: the table, the JSON document, and one line for what is wrong."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from headway_cdk.resources import EXAMPLE_CONFIGURATION
from typer.testing import CliRunner

from headway.cli import app, main
from tests.unit.headway.planning.situations import evaluate

SHIPPED = EXAMPLE_CONFIGURATION


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Copy the shipped configuration, with permits at the contract's rate."""
    copied = Path(shutil.copytree(SHIPPED, tmp_path / "appconfig"))
    for path, before, after in (
        (copied / "vendors" / "replicate.yaml", "pacing: delay", "pacing: permits"),
        (copied / "tuning" / "replicate.yaml", "rate_per_s: 7.5", "rate_per_s: 10"),
    ):
        path.write_text(path.read_text().replace(before, after))
    return copied


def shown(config: Path, *arguments: str) -> str:
    result = CliRunner().invoke(
        app, ["plan", "replicate", *arguments, "--config-dir", str(config)], env={"COLUMNS": "200"}
    )
    assert result.exit_code == 0, result.output
    return result.output


def document(config: Path, *arguments: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(shown(config, "--json", *arguments))
    return read


def problem(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    monkeypatch.setattr("sys.argv", ["headway", "plan", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    return said.err


def test_each_value_is_printed_with_its_formula_and_the_numbers_put_in(config: Path) -> None:
    output = shown(config)
    assert "6 x dispatcher_timeout_s + batching_window_s" in output
    assert "6 x 32 + 0 = 192" in output


def test_the_configured_parameter_stands_beside_the_recommended_one(config: Path) -> None:
    path = config / "vendors" / "replicate.yaml"
    path.write_text(path.read_text().replace("batch_size: 10", "batch_size: 3"))
    [line] = [line for line in document(config)["lines"] if line["name"] == "batch_size"]
    assert (line["value"], line["configured"]) == (10, 3)


def test_the_printed_equations_are_true(config: Path) -> None:
    cells = [row.rpartition("│")[0].rpartition("│")[2] for row in shown(config).splitlines()]
    equations = [cell.split(" = ") for cell in cells if " = " in cell and any(digit in cell for digit in "0123456789")]
    assert len(equations) > 20
    for left, right in equations:
        assert evaluate(left.strip()) == pytest.approx(evaluate(right.strip()), rel=1e-4)


def test_latency_and_backlog_change_the_forecast(config: Path) -> None:
    slow, fast = (document(config, "--latency-ms", latency, "--backlog", "1000") for latency in ("900", "5"))
    values = [{line["name"]: line["value"] for line in drawn["lines"]} for drawn in (slow, fast)]
    assert values[0]["caller_count"] > values[1]["caller_count"]
    assert values[0]["backlog_s"] > values[1]["backlog_s"] > 100
    assert (slow["backlog_count"], slow["latency_ms"]) == (1000, 900)


def test_warnings_stand_below_the_table_and_do_not_change_the_exit_code(config: Path) -> None:
    output = shown(config, "--latency-ms", "11000")
    assert "every submit times out. (latency_above_timeout)" in output.rpartition("┘")[2]


def test_a_plan_without_warnings_says_so(config: Path) -> None:
    path = config / "vendors" / "replicate.yaml"
    path.write_text(path.read_text().replace("provisioned_concurrency: 0", "provisioned_concurrency: 1"))
    assert shown(config, "--latency-ms", "5").endswith("No warnings.\n")


def test_an_unknown_vendor_is_answered_with_the_known_ones(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    message = problem(monkeypatch, capsys, "nobody", "--config-dir", str(config))
    assert message == f"headway: no vendor is called nobody; {config} has replicate\n"


def test_a_wrong_contract_is_one_line(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = config / "vendors" / "replicate.yaml"
    path.write_text(path.read_text().replace("reserved_concurrency: 2", "reserved_concurrency: 1"))
    message = problem(monkeypatch, capsys, "replicate", "--config-dir", str(config))
    assert "`dispatch.reserved_concurrency` is 1; make it 2" in message


def test_a_folder_without_contracts_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    message = problem(monkeypatch, capsys, "replicate", "--config-dir", str(tmp_path))
    assert "no vendor there; add a contract file" in message
