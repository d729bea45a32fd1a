"""The Lambda bundle: locked, pure Python, and built from scratch; the installer is scripted here."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from headway_cdk.bundle import LAMBDA_PYTHON, BundleError, build, digest
from headway_cdk.resources import FUNCTIONS_LOCK, LANE

Install = Callable[[Path], None]


class Installer:
    """Stands for `uv pip install`: writes what a test says, and keeps the commands."""

    def __init__(self) -> None:
        self.commands: list[list[str]] = []
        self.install: Install = lambda target: None
        self.failure = ""
        self.has_all = True
        """Whether its cache holds every package."""

    def __call__(self, command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        self.commands.append(command)
        target = Path(self.option("--target"))
        assert not target.exists(), "the bundle is built from scratch"
        target.mkdir(parents=True)
        if "--offline" in command and not self.has_all:
            (target / "half.py").touch()
            return subprocess.CompletedProcess(command, 1, "", "not in the cache")
        self.install(target)
        return subprocess.CompletedProcess(command, int(bool(self.failure)), "", self.failure)

    @property
    def command(self) -> list[str]:
        """The last one."""
        return self.commands[-1]

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
    assert installer.option("-r") == str(FUNCTIONS_LOCK)


def test_nothing_is_asked_of_the_network_where_the_cache_holds_all(tmp_path: Path, installer: Installer) -> None:
    build(tmp_path / "code")
    assert ["--offline" in command for command in installer.commands] == [True]


def test_what_the_cache_lacks_is_fetched_and_nothing_stays_of_the_first_attempt(
    tmp_path: Path, installer: Installer
) -> None:
    installer.has_all = False
    installer.install = put("httpx/__init__.py")
    build(tmp_path / "code")
    assert ["--offline" in command for command in installer.commands] == [True, False]
    assert "half.py" not in files(tmp_path / "code")


def test_the_bundle_is_the_same_wherever_whenever_and_by_whomever_it_is_built(
    tmp_path: Path, installer: Installer
) -> None:
    def installed(words: str, mode: int, mtime_s: int) -> Install:
        def install(target: Path) -> None:
            put("httpx/__init__.py", "httpx/__pycache__/__init__.pyc", "httpx-1.dist-info/METADATA")(target)
            for name in ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"):
                (target / "httpx-1.dist-info" / name).write_text(words)
            (target / "httpx" / "__pycache__" / "__init__.pyc").write_text(words)
            (target / "httpx" / "__init__.py").chmod(mode)
            os.utime(target / "httpx" / "__init__.py", (mtime_s, mtime_s))

        return install

    installer.install = installed("/home/one/bin/httpx", 0o600, 1)
    one = build(tmp_path / "one")
    installer.install = installed("/home/other/bin/httpx", 0o755, 2)
    other = build(tmp_path / "other")
    assert digest(one) == digest(other)
    assert "httpx-1.dist-info/METADATA" in files(one), "a package may ask for its own version"
    assert {path.stat().st_mode & 0o777 for path in one.rglob("*") if path.is_file()} == {0o644}


@pytest.mark.parametrize("change", ["content", "name", "mode"])
def test_the_digest_tells_apart_what_lambda_would_run_otherwise(tmp_path: Path, change: str) -> None:
    put("a/b.py", "c.py")(tmp_path)
    before = digest(tmp_path)
    match change:
        case "content":
            (tmp_path / "c.py").write_text("1")
        case "name":
            (tmp_path / "c.py").rename(tmp_path / "d.py")
        case "mode":
            (tmp_path / "c.py").chmod(0o755)
    assert digest(tmp_path) != before


def test_the_installer_leaves_its_cache_as_it_is(tmp_path: Path, installer: Installer) -> None:
    build(tmp_path / "code")
    assert installer.option("--link-mode") == "copy"


def test_a_native_dependency_is_refused_by_name(tmp_path: Path, installer: Installer) -> None:
    installer.install = put("fast/_core.abi3.so")
    with pytest.raises(BundleError) as refused:
        build(tmp_path / "code")
    assert str(refused.value) == (
        "headway_lane/requirements.lock: ['_core.abi3.so'] are native; the bundle carries pure Python only"
    )


def test_an_installation_that_fails_says_why(tmp_path: Path, installer: Installer) -> None:
    installer.failure = "hash mismatch for httpx\n"
    with pytest.raises(
        BundleError, match=r"headway_lane/requirements\.lock cannot be installed: hash mismatch for httpx$"
    ):
        build(tmp_path / "code")


def test_everything_that_the_functions_import_is_locked() -> None:
    lock = FUNCTIONS_LOCK.read_text()
    for package in ("aws-lambda-powertools", "ecdsa", "httpx", "tenacity"):
        assert f"\n{package}==" in f"\n{lock}"
    assert "--hash=sha256:" in lock
