"""Files in and out of a project's buckets, on the embedded cloud as on AWS."""

from collections.abc import Callable
from pathlib import Path

from botocore.exceptions import ClientError

from headway.deployment.connection import Connection
from headway.errors import UsageProblem


def put(connection: Connection, file: Path, *, bucket: str | None, key: str | None) -> str:
    """Copy a file into a bucket, under its own name unless given; return the key. The file is read in parts."""
    if not file.is_file():
        raise UsageProblem(f"{file}: there is no such file")
    wanted = key or file.name
    connection.target.client("s3").upload_file(str(file), _name_of(connection, bucket), wanted)
    return wanted


def get(connection: Connection, key: str, write: Callable[[bytes], object], *, bucket: str | None) -> None:
    """Write what is under a key, part by part."""
    name = _name_of(connection, bucket)
    try:
        body = connection.target.client("s3").get_object(Bucket=name, Key=key)["Body"]
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("NoSuchKey", "404"):
            raise
        raise UsageProblem(f"{name} has no {key}") from error
    for part in body.iter_chunks():
        write(part)


def _name_of(connection: Connection, bucket: str | None) -> str:
    """Return what a bucket is called in S3; the only one unless named."""
    there = connection.stage.buckets
    if bucket is None and len(there) == 1:
        return next(iter(there.values()))
    if bucket is None or bucket not in there:
        has = ", ".join(there) or "none: name one in `buckets` of [tool.headway] in pyproject.toml"
        raise UsageProblem(f"--bucket {bucket or 'NAME'}: stage {connection.stage.name} has {has}")
    return there[bucket]
