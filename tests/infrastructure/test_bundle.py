"""The code asset: complete, portable and importable with nothing of this machine but what Lambda itself brings."""

import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from headway_cdk.resources import FUNCTIONS_LOCK, LANE

from tests.checkout import ROOT

if TYPE_CHECKING:
    from tests.infrastructure.conftest import Templates

LAMBDA_BRINGS = ("boto3", "botocore", "s3transfer", "urllib3", "dateutil", "six", "jmespath")

IMPORT_HANDLERS = """
import importlib, json, sys
bundle, runtime, *handlers = sys.argv[1:]
sys.path += [bundle, runtime]
for handler in handlers:
    module, _, name = handler.rpartition(".")
    if not callable(getattr(importlib.import_module(module), name)):
        raise SystemExit(f"{handler} is no function")
standard = set(sys.stdlib_module_names) | set(sys.builtin_module_names)
foreign = {
    name: module.__file__
    for name, module in sys.modules.items()
    if getattr(module, "__file__", None) and name.partition(".")[0] not in standard
}
print(json.dumps(foreign))
"""

REGISTRIES = tuple("".join(parts) for parts in (("pypi", ".org"), ("python", "hosted"), ("registry", ".npmjs")))


@pytest.fixture(scope="module")
def bundle(templates: "Templates") -> Path:
    manifests = [json.loads(path.read_text()) for path in templates.directory.glob("*-lane.assets.json")]
    assert len(manifests) == len(templates.vendors)
    files = [file["source"] for manifest in manifests for file in manifest["files"].values()]
    (folder,) = {source["path"] for source in files if source["packaging"] == "zip"}
    return templates.directory / str(folder)


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what the Lambda runtime brings by itself."""
    folder = tmp_path_factory.mktemp("runtime")
    for name in LAMBDA_BRINGS:
        spec = find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        origin = Path(spec.origin)
        source = origin.parent if origin.name == "__init__.py" else origin
        (folder / source.name).symlink_to(source)
    return folder


def test_all_functions_of_all_lanes_run_the_one_bundle(templates: "Templates") -> None:
    functions = templates.of_type("AWS::Lambda::Function")
    assert len({json.dumps(function["Code"], sort_keys=True) for function in functions.values()}) == 1
    assert {(function["Runtime"], *function["Architectures"]) for function in functions.values()} == {
        ("python3.14", "arm64")
    }


def test_the_bundle_is_pure_python_so_that_it_runs_on_every_machine(bundle: Path) -> None:
    native = [path for pattern in ("*.so", "*.so.*", "*.pyd", "*.dylib") for path in bundle.rglob(pattern)]
    assert native == []


def test_the_bundle_carries_all_functions_and_every_locked_dependency_in_its_version(bundle: Path) -> None:
    def modules(folder: Path) -> set[Path]:
        return {path.relative_to(folder) for path in folder.rglob("*.py")}

    assert modules(bundle / LANE.name) == modules(LANE)
    lock = FUNCTIONS_LOCK.read_text()
    locked = {(re.sub(r"[-_.]+", "_", name), version) for name, version in re.findall(r"(?m)^([\w.-]+)==(\S+)", lock)}
    assert len(locked) >= 4
    found = {tuple(path.stem.lower().rsplit("-", 1)) for path in bundle.glob("*.dist-info")}
    assert found == locked


def test_every_handler_can_be_imported_from_the_bundle_alone(
    templates: "Templates", bundle: Path, runtime: Path
) -> None:
    handlers = sorted({function["Handler"] for function in templates.of_type("AWS::Lambda::Function").values()})
    assert len(handlers) == 5, "one for each kind of function"
    command = [sys.executable, "-I", "-S", "-B", "-c", IMPORT_HANDLERS, str(bundle), str(runtime), *handlers]
    done = subprocess.run(  # noqa: S603 - our own words
        command, cwd=runtime, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    foreign = [
        f"{name}: {file}"
        for name, file in json.loads(done.stdout).items()
        if not Path(file).is_relative_to(bundle) and not Path(file).is_relative_to(runtime) and name != "__main__"
    ]
    assert foreign == []


def test_no_tracked_file_names_a_package_registrys_host() -> None:
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S607
    files = [ROOT / name for name in tracked.stdout.split("\0") if name and (ROOT / name).is_file()]
    assert files
    named = [(path.name, host) for path in files for host in REGISTRIES if host.encode() in path.read_bytes()]
    assert named == []
