"""The Lambda bundle: locked, pure Python, and built from scratch; the installer is scripted here."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from headway_cdk.bundle import LAMBDA_PYTHON, BundleError, build
from headway_cdk.resources import LANE, ROOT

Install = Callable[[Path], None]


class Installer:
    """Stands for `uv pip install`: writes what a test says, and keeps the command."""

    def __init__(self) -> None:
        self.command: list[str] = []
        self.install: Install = lambda target: None
        self.failure = ""

    def __call__(self, command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        self.command = command
        target = Path(self.option("--target"))
        assert not target.exists(), "the bundle is built from scratch"
        target.mkdir(parents=True)
        self.install(target)
        return subprocess.CompletedProcess(command, int(bool(self.failure)), "", self.failure)

    def option(self, name: str) -> str:
        return self.command[self.command.index(name) + 1]


@pytest.fixture
def installer(monkeypatch: pytest.MonkeyPatch) -> Installer:
    fake = Installer()
    monkeypatch.setattr("headway_cdk.bundle.subprocess.run", fake)
    return fake


def files(directory: Path) -> set[str]:
    return {path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()}


def put(*names: str) -> Install:
    def install(target: Path) -> None:
        for name in names:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).touch()

    return install


def test_the_bundle_holds_the_dependencies_and_the_functions_and_nothing_else(
    tmp_path: Path, installer: Installer
) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "left_over.py").touch()
    installer.install = put("httpx/__init__.py", "bin/httpx", ".lock")
    assert build(tmp_path / "code") == tmp_path / "code"
    functions = {f"headway_lane/{name}" for name in files(LANE) if "__pycache__" not in name}
    assert files(tmp_path / "code") == {"httpx/__init__.py"} | functions


def test_only_locked_wheels_for_the_lambda_runtime_are_installed(tmp_path: Path, installer: Installer) -> None:
    build(tmp_path / "code")
    assert {"--require-hashes", "--no-deps"} <= set(installer.command)
    assert installer.option("--only-binary") == ":all:"
    assert installer.option("--python-version") == LAMBDA_PYTHON
    assert installer.option("-r") == str(ROOT / "requirements" / "functions.lock")


def test_a_native_dependency_is_refused_by_name(tmp_path: Path, installer: Installer) -> None:
    installer.install = put("fast/_core.abi3.so")
    with pytest.raises(BundleError) as refused:
        build(tmp_path / "code")
    assert str(refused.value) == (
        "requirements/functions.lock: ['_core.abi3.so'] are native; the bundle carries pure Python only"
    )


def test_an_installation_that_fails_says_why(tmp_path: Path, installer: Installer) -> None:
    installer.failure = "hash mismatch for httpx\n"
    with pytest.raises(BundleError, match=r"functions\.lock cannot be installed: hash mismatch for httpx$"):
        build(tmp_path / "code")


def test_everything_that_the_functions_import_is_locked() -> None:
    lock = (ROOT / "requirements" / "functions.lock").read_text()
    for package in ("aws-lambda-powertools", "ecdsa", "httpx", "tenacity"):
        assert f"\n{package}==" in f"\n{lock}"
    assert "--hash=sha256:" in lock
