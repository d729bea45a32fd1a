"""`headway simulate`: what it prints, writes and returns."""

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from headway.cli import app, main


def simulate(*options: str) -> Result:
    return CliRunner().invoke(app, ["simulate", *options], env={"COLUMNS": "120"})


def test_the_help_names_the_options_and_the_exit_codes() -> None:
    result = simulate("--help")
    assert result.exit_code == 0
    for word in ("--limit", "--backlog", "--headroom-ms", "--plot", "Exit codes"):
        assert word in result.output


def test_utilisation_stands_beside_what_the_arithmetic_allows() -> None:
    result = simulate("--calls", "1000")
    assert result.exit_code == 0
    assert "at most 86.96 % = 1 / (1 + 150 ms / 1.00 s)" in result.output
    assert "writes refused" in result.output


def test_json_carries_every_count() -> None:
    result = simulate("--calls", "600", "--limit", "20/1", "--rate", "300/60", "--crash-ratio", "0.05", "--json")
    said = json.loads(result.output)
    assert result.exit_code == 0
    assert said["violation_count"] == 0
    assert [limit["amount"] for limit in said["limits"]] == [20, 300]
    assert said["write_count"] > 0
    assert said["wall_s"] > 0


def test_violations_are_an_exit_code() -> None:
    result = simulate("--calls", "3000", "--headroom-ms", "0")
    assert result.exit_code == 1
    assert "violations" in result.output


def test_a_backlog_is_answered_in_a_sentence() -> None:
    result = simulate("--backlog", "500", "--limit", "50/1")
    assert result.exit_code == 0
    assert "A backlog of 500 calls takes 12." in result.output


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--limit", "20 a second"), "--limit: '20 a second' is not CALLS/SECONDS"),
        (("--limit", "0/1"), "--limit: '0/1' is not CALLS/SECONDS"),
        (("--limit", "5/0.2"), "--limit 5/0.2: no contract may have a window below 0.25 s"),
        (("--headroom-ms", "251"), "a headroom of 251 ms is longer than a tuning may set"),
        (("--jitter-ms", "201"), "a headroom of 251 ms is longer than a tuning may set; give less jitter and skew, or"),
        (("--calls", "5", "--backlog", "5"), "--calls and --backlog"),
        (("--calls", "5", "--vendors", "6"), "every vendor needs a call"),
        (("--plot", "plot.png"), "FILE.html or FILE.svg"),
        (("--plot", "nowhere/plot.svg"), "there is no folder nowhere"),
        (("--jitter-shape", "fixed"), "uniform or exponential"),
    ],
)
def test_a_wrong_option_is_one_line_and_exit_code_2(
    options: tuple[str, ...],
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["headway", "simulate", *options])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert reason in said
    assert said.count("\n") == 1


def test_the_plot_is_one_file_that_loads_nothing(tmp_path: Path) -> None:
    page = tmp_path / "plot.html"
    assert simulate("--calls", "600", "--plot", str(page)).exit_code == 0
    text = page.read_text(encoding="utf-8")
    assert text.count("<svg") == 1
    assert "<script" not in text
    assert "default-src 'none'" in text
    assert "contract: 20" in text


def test_the_same_run_draws_the_same_svg(tmp_path: Path) -> None:
    one, two = tmp_path / "one.svg", tmp_path / "two.svg"
    for path in (one, two):
        simulate("--calls", "200", "--headroom-ms", "0", "--plot", str(path))
    assert one.read_bytes() == two.read_bytes()
    assert one.read_text(encoding="utf-8").startswith("<?xml")
