"""Data of the installed packages: found by one function, whole, and without what Python leaves beside it."""

from pathlib import Path

import pytest
from headway_cdk.resources import files_in, read_by_the_app, resource

from tests.checkout import ROOT
from tests.proofs.sources import packages


@pytest.mark.parametrize(("name", "folder"), packages(ROOT).items())
def test_every_package_is_found_in_the_folder_that_the_project_file_names(name: str, folder: str) -> None:
    assert resource(name).samefile(ROOT / folder)


def test_a_file_is_found_by_the_name_of_its_package() -> None:
    assert resource("headway_workflows/call_vendor.asl.json").samefile(ROOT / "workflows" / "call_vendor.asl.json")


@pytest.mark.parametrize("name", ["headway_nothing", "headway_workflows/nothing.asl.json"])
def test_what_an_installation_lacks_is_named(name: str) -> None:
    with pytest.raises(FileNotFoundError, match=f"^{name} is not in this installation of headway; "):
        resource(name)


def test_files_come_in_one_order_and_without_compiled_ones(tmp_path: Path) -> None:
    for name in ("b/c.py", "b/__pycache__/c.pyc", "b/.hidden", "a.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert list(files_in(tmp_path)) == [tmp_path / name for name in ("a.json", "b/.hidden", "b/c.py")]


def test_a_changed_workflow_function_construct_or_lock_makes_a_new_template() -> None:
    read = set(read_by_the_app())
    for name in ("cdk/headway_cdk/app.py", "functions/headway_lane/way_out.py", "workflows/call_vendor.asl.json"):
        assert ROOT / name in read
    assert ROOT / "functions/headway_lane/requirements.lock" in read
