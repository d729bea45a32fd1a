"""The wheel by itself, as others have it: in an empty folder, with a bare PATH, over the dependencies that are here."""

import json
import subprocess
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pytest

from tests.checkout import ROOT
from tests.proofs.sources import build_wheel, copy_sources, environment_with, packages
from tests.proofs.wheel import strangers

READ_ALL = """
import importlib, json, sys
from headway_cdk.resources import files_in, resource
found = {name: str(resource(name)) for name in json.loads(sys.argv[1])}
for folder in map(resource, found):
    for path in files_in(folder):
        path.read_bytes()
modules = ("headway.cli", "headway.cloud.server", "headway_cdk.bundle", "headway_lane.way_out")
print(json.dumps({**found, **{name: importlib.import_module(name).__file__ for name in modules}}))
"""

LEFT_BY_COMMANDS = (
    "workflows/samples/predictions.results.jsonl",
    "workflows/samples/predictions.report.html",
    "config/appconfig/.headway/cloud.json",
    "examples/shop/.headway/cloud.json",
    "examples/shop/.venv/lib/python3.11/site.py",
    "examples/shop/cdk.out/tree.json",
    "examples/shop/tests/__pycache__/test_shop.pyc",
    "examples/shop/.ruff_cache/CACHEDIR.TAG",
    "examples/shop/.coverage",
)


@dataclass(frozen=True, slots=True)
class Installed:
    """The scripts of an environment with the wheel in it, and an empty folder to run them in."""

    scripts: Path
    folder: Path

    def run(self, *words: str) -> str:
        command = [str(self.scripts / words[0]), *words[1:]]
        done = subprocess.run(  # noqa: S603 - our own words
            command, cwd=self.folder, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    scripts = environment_with(str(wheel), tmp_path_factory.mktemp("environment"))
    return Installed(scripts, tmp_path_factory.mktemp("empty"))


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_a_wheel_hides_no_folder_of_whoever_installs_it(wheel: Path) -> None:
    assert strangers(wheel) == set()
    tops = {name.partition("/")[0] for name in names(wheel)}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(packages(ROOT))


def test_a_wheel_carries_every_file_of_its_folders(wheel: Path) -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S607
    tracked = [PurePosixPath(name) for name in listed.split("\0") if name and (ROOT / name).is_file()]
    wanted = {
        f"{package}/{path.relative_to(folder)}"
        for package, folder in packages(ROOT).items()
        for path in tracked
        if path.is_relative_to(folder)
    }
    assert len(wanted) > 250
    assert wanted - names(wheel) == set()
    assert {f"{package}/py.typed" for package in ("headway", "headway_cdk", "headway_lane")} <= names(wheel)


def test_a_wheel_carries_nothing_that_commands_left_in_its_folders(tmp_path: Path) -> None:
    sources = tmp_path / "sources"
    copy_sources(ROOT, sources)
    for name in (*LEFT_BY_COMMANDS, "examples/shop/.pre-commit-config.yaml", "examples/shop/.github/workflows/ci.yaml"):
        (sources / name).parent.mkdir(parents=True, exist_ok=True)
        (sources / name).write_text("left")
    (out := tmp_path / "out").mkdir()
    subprocess.run(["git", "init", "--quiet"], cwd=sources, check=True)  # noqa: S607
    (sources / ".gitignore").unlink()  # whoever builds from a plain folder has no git to ask
    found = names(build_wheel(sources, out))
    folders = {folder: package for package, folder in packages(ROOT).items()}
    for folder in ("workflows", "config/appconfig", "examples/shop"):
        left = [name.removeprefix(folder) for name in LEFT_BY_COMMANDS if name.startswith(f"{folder}/")]
        assert left
        assert not found & {f"{folders[folder]}{name}" for name in left}
    assert {"headway_scaffold/.pre-commit-config.yaml", "headway_scaffold/.github/workflows/ci.yaml"} <= found


def test_the_version_is_the_project_files(installed: Installed, wheel: Path) -> None:
    assert installed.run("headway", "--version").strip() == wheel.name.split("-")[1]


def test_everything_that_is_read_comes_from_the_installation(installed: Installed) -> None:
    found: Mapping[str, str] = json.loads(installed.run("python", "-c", READ_ALL, json.dumps([*packages(ROOT)])))
    environment = installed.scripts.parent
    assert {name: path for name, path in found.items() if not Path(path).is_relative_to(environment)} == {}
    assert set(packages(ROOT)) < set(found)


def test_the_shipped_presets_can_be_used_in_any_folder(installed: Installed) -> None:
    presets = [str(path) for path in installed.scripts.parent.rglob("headway_configuration/presets/*.yaml")]
    lines = installed.run("headway", "validate", *presets).splitlines()
    assert len(lines) == len(presets) > 0
    assert {line.rpartition(": ")[2] for line in lines} == {"can be used"}
    assert list(installed.folder.iterdir()) == []
