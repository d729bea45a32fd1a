"""What goes into the bootstrap bucket, and where."""

import json
import os
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from headway.deployment.assets import FileAsset, read_assets, zip_folder
from headway.errors import DeploymentFailed


def write_manifest(folder: Path, manifest: dict[str, Any]) -> Path:
    path = folder / "Stack.assets.json"
    path.write_text(json.dumps(manifest))
    return path


def test_placeholders_of_every_destination_become_this_account_and_region(tmp_path: Path) -> None:
    bucket = "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"
    path = write_manifest(
        tmp_path,
        {
            "files": {
                "abc": {
                    "source": {"path": "asset.abc", "packaging": "zip"},
                    "destinations": {
                        "current_account-current_region": {"bucketName": bucket, "objectKey": "abc.zip"},
                        "elsewhere": {"bucketName": "copies-${AWS::Partition}", "objectKey": "${AWS::Region}/abc.zip"},
                    },
                },
                "def": {
                    "source": {"path": "Stack.template.json", "packaging": "file"},
                    "destinations": {"here": {"bucketName": bucket, "objectKey": "def.json"}},
                },
            }
        },
    )
    here = "cdk-hnb659fds-assets-000000000000-us-east-1"
    assert read_assets(path, "000000000000", "us-east-1") == [
        FileAsset(tmp_path / "asset.abc", True, here, "abc.zip"),
        FileAsset(tmp_path / "asset.abc", True, "copies-aws", "us-east-1/abc.zip"),
        FileAsset(tmp_path / "Stack.template.json", False, here, "def.json"),
    ]


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ({"dockerImages": {"img": {}}}, r"Stack\.assets\.json: docker image assets need docker"),
        ({"files": {"abc": {"source": {"executable": ["make"]}}}}, r"Stack\.assets\.json: asset abc has no path"),
    ],
)
def test_assets_that_cannot_be_made_here_are_refused(tmp_path: Path, manifest: dict[str, Any], message: str) -> None:
    with pytest.raises(DeploymentFailed, match=message):
        read_assets(write_manifest(tmp_path, manifest), "000000000000", "us-east-1")


def test_a_zip_depends_on_names_contents_and_executable_bits_alone(tmp_path: Path) -> None:
    archives = []
    for order, epoch_s in ((("b.py", "a/x.py"), 10**9), (("a/x.py", "b.py"), 10**9 + 7)):
        folder = tmp_path / str(epoch_s)
        for name in order:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(name)
            os.utime(folder / name, (epoch_s, epoch_s))
        (folder / "b.py").chmod(0o700)
        archives.append(zip_folder(folder))
    assert archives[0] == archives[1]
    with zipfile.ZipFile(BytesIO(archives[0])) as archive:
        assert archive.namelist() == ["a/x.py", "b.py"]
        assert [entry.external_attr >> 16 for entry in archive.infolist()] == [0o644, 0o755]
        assert archive.read("a/x.py") == b"a/x.py"
