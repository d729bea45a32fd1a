"""`headway init`: a project of one's own, whole or not at all."""

import json
import re
import shutil
from pathlib import Path

import pytest
from headway_cdk.resources import SCAFFOLD
from typer.testing import CliRunner, Result

from headway.cli import app
from headway.deployment import scaffold
from headway.errors import UsageProblem
from tests.checkout import ROOT
from tests.project_suite import run_suite
from tests.unit.docs.documents import tracked

EXAMPLE = "examples/shop"


def init(*words: str) -> Result:
    return CliRunner().invoke(app, ["init", *words])


def relative_files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_every_file_of_the_example_is_written_and_nothing_else(tmp_path: Path) -> None:
    result = init("bakery", "--directory", str(tmp_path))
    expected = {path.relative_to(ROOT / EXAMPLE).as_posix() for path in tracked(EXAMPLE)}
    assert result.exit_code == 0
    assert relative_files(tmp_path / "bakery") == expected
    assert {"workflows/order.asl.json", "cdk/app.py", ".gitignore", "README.md"} <= expected
    assert [path.name for path in tmp_path.iterdir()] == ["bakery"]


def test_the_examples_name_is_gone_from_it(tmp_path: Path) -> None:
    init("bakery", "--directory", str(tmp_path))
    texts = {path: path.read_text() for path in (tmp_path / "bakery").rglob("*") if path.is_file()}
    assert not [path for path, text in texts.items() if "shop" in text or "shop" in path.name]
    assert 'name = "bakery"' in texts[tmp_path / "bakery" / "pyproject.toml"]


def test_under_the_examples_own_name_the_project_is_the_example(tmp_path: Path) -> None:
    init("shop", "--directory", str(tmp_path))
    for path in tracked(EXAMPLE):
        assert (tmp_path / "shop" / path.relative_to(ROOT / EXAMPLE)).read_text() == path.read_text()


def test_what_running_the_example_has_made_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used = Path(shutil.copytree(SCAFFOLD, tmp_path / "shop"))
    clean = set(map(str, scaffold.write("clean", tmp_path)))
    for junk in (
        "functions/use_result/__pycache__/handler.cpython-311.pyc",
        ".headway/state.json",
        "cdk.out/tree.json",
        ".venv/bin/python",
        "workflows/samples/orders.results.jsonl",
    ):
        (used / junk).parent.mkdir(parents=True, exist_ok=True)
        (used / junk).write_bytes(b"\xff")
    monkeypatch.setattr(scaffold, "SCAFFOLD", used)
    written = {str(path).replace("/used/", "/clean/") for path in scaffold.write("used", tmp_path)}
    assert written == clean


def test_an_empty_folder_of_that_name_is_filled(tmp_path: Path) -> None:
    (tmp_path / "bakery").mkdir()
    assert init("bakery", "--directory", str(tmp_path)).exit_code == 0
    assert (tmp_path / "bakery" / "pyproject.toml").exists()


@pytest.mark.parametrize("name", ["Bakery", "my bakery", "../bakery", "", "1st", "a" * 32, "bak_ery"])
def test_a_name_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageProblem, match="is no name of a project"):
        scaffold.write(name, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_folder_with_something_in_it_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "bakery").mkdir()
    (tmp_path / "bakery" / "mine.txt").write_text("mine")
    with pytest.raises(UsageProblem, match="bakery: exists and is not an empty folder"):
        scaffold.write("bakery", tmp_path)
    assert relative_files(tmp_path) == {"bakery/mine.txt"}


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="absent: there is no such folder"):
        scaffold.write("bakery", tmp_path / "absent")


def test_what_breaks_off_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> Path:
        raise OSError("no space left on device")

    monkeypatch.setattr(scaffold, "_copy", full)
    with pytest.raises(OSError, match="no space"):
        scaffold.write("bakery", tmp_path)
    assert not list(tmp_path.iterdir())


def test_others_may_read_the_project_as_they_may_any_new_folder(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    scaffold.write("bakery", tmp_path)
    assert (tmp_path / "bakery").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_machines_get_json(tmp_path: Path) -> None:
    said = json.loads(init("bakery", "--directory", str(tmp_path), "--json").stdout)
    assert said["project"] == str(tmp_path / "bakery")
    assert {Path(file).relative_to(said["project"]).as_posix() for file in said["files"]} == relative_files(
        tmp_path / "bakery"
    )


def test_a_person_is_told_what_to_do_next(tmp_path: Path) -> None:
    assert f"cd {tmp_path / 'bakery'} && headway up" in init("bakery", "--directory", str(tmp_path)).stdout


def test_the_tests_of_a_new_project_pass_in_it(tmp_path: Path) -> None:
    scaffold.write("bakery", tmp_path)
    done = run_suite(tmp_path / "bakery")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\b[1-9]\d* passed", done.stdout)
