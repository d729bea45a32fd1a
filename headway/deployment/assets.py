"""File assets of a CDK cloud assembly: what has to lie in the bootstrap bucket before a stack can be created.

In: `<Stack>.assets.json`, the asset manifest of CDK. Out: objects in S3, each under the hash of its content.
"""

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from headway.errors import DeploymentFailed

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date that a zip can say


@dataclass(frozen=True, slots=True)
class FileAsset:
    """A file or folder of the assembly and one place where it has to lie."""

    source: Path
    is_zip: bool
    bucket: str
    key: str


def read_assets(manifest_path: Path, account: str, region: str) -> list[FileAsset]:
    """Return every destination of every file asset in the manifest, placeholders filled in.

    Raises DeploymentFailed for docker images and for assets that a program has to make: neither is made here.
    """
    manifest: dict[str, Any] = json.loads(manifest_path.read_text())
    if manifest.get("dockerImages"):
        raise DeploymentFailed(f"{manifest_path.name}: docker image assets need docker, which is not used here")
    placeholders = {"${AWS::AccountId}": account, "${AWS::Region}": region, "${AWS::Partition}": "aws"}

    def fill(text: str) -> str:
        for placeholder, value in placeholders.items():
            text = text.replace(placeholder, value)
        return text

    assets = []
    for asset_id, asset in manifest.get("files", {}).items():
        source = asset["source"]
        if "path" not in source:
            raise DeploymentFailed(f"{manifest_path.name}: asset {asset_id} has no path in the assembly")
        assets += [
            FileAsset(
                source=manifest_path.parent / source["path"],
                is_zip=source.get("packaging") == "zip",
                bucket=fill(destination["bucketName"]),
                key=fill(destination["objectKey"]),
            )
            for destination in asset["destinations"].values()
        ]
    return assets


def upload(s3: "S3Client", asset: FileAsset) -> bool:
    """Put the asset where it belongs unless it is there; return whether it was put."""
    try:
        s3.head_object(Bucket=asset.bucket, Key=asset.key)
    except ClientError as error:
        if error.response["Error"]["Code"] not in {"404", "NoSuchKey"}:
            raise
    else:
        return False
    body = zip_folder(asset.source) if asset.is_zip and asset.source.is_dir() else asset.source.read_bytes()
    s3.put_object(Bucket=asset.bucket, Key=asset.key, Body=body)
    return True


def zip_folder(folder: Path) -> bytes:
    """Return the folder's files as a zip whose bytes depend on names, contents and executable bits alone."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
        for name, path in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _ZIP_EPOCH)
            entry.create_system = 3  # Unix, on every system: otherwise the permissions are not read
            entry.external_attr = (0o755 if path.stat().st_mode & 0o100 else 0o644) << 16
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
