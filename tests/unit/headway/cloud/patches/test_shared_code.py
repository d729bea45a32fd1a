"""The patch of the emulator's workers: one copy of a bundle's files for all of them."""

import shutil
import tempfile
import zipfile
from pathlib import Path

import pytest
from ministack.core import lambda_runtime

from headway.cloud.patches import shared_code


@pytest.fixture(autouse=True)
def patched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(lambda_runtime, "zipfile", lambda_runtime.zipfile)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    shared_code.apply()


def unpack(source: Path, target: Path) -> Path:
    target.mkdir()
    with lambda_runtime.zipfile.ZipFile(source) as archive:
        archive.extractall(target)
    return target


def bundle(path: Path, text: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("package/module.py", text)
        archive.writestr("single.py", "value = 2")
    return path


def test_workers_of_one_bundle_share_its_files_and_leave_them_behind(tmp_path: Path) -> None:
    source = bundle(tmp_path / "code.zip", "value = 1")
    first, second = unpack(source, tmp_path / "first"), unpack(source, tmp_path / "second")
    assert (first / "package/module.py").read_text() == "value = 1"
    assert (first / "single.py").samefile(second / "single.py")
    shutil.rmtree(first)
    assert (second / "package/module.py").read_text() == "value = 1", "a worker that ends takes nothing with it"


def test_another_bundle_under_the_same_name_is_unpacked_anew(tmp_path: Path) -> None:
    unpack(bundle(tmp_path / "code.zip", "value = 1"), tmp_path / "first")
    second = unpack(bundle(tmp_path / "code.zip", "value = 3"), tmp_path / "second")
    assert (second / "package/module.py").read_text() == "value = 3"


def test_the_rest_of_the_module_is_as_it_was() -> None:
    assert lambda_runtime.zipfile.BadZipFile is zipfile.BadZipFile
