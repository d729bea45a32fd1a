"""Files into a project's buckets and out of them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from moto import mock_aws

from headway.deployment.connection import Connection
from headway.errors import UsageProblem
from headway.operations import buckets
from tests.unit.headway.connections import moto_connection


@pytest.fixture
def connection() -> Iterator[Connection]:
    with mock_aws():
        made = moto_connection()
        made.target.client("s3").create_bucket(Bucket="files-1x")
        yield replace(made, stage=replace(made.stage, buckets={"files": "files-1x"}))


def test_a_file_goes_in_under_its_name_and_comes_out_as_it_was(connection: Connection, tmp_path: Path) -> None:
    (file := tmp_path / "notes.jsonl").write_bytes(b"{}\n" * 100_000)
    assert buckets.put(connection, file, bucket=None, key=None) == "notes.jsonl"
    parts: list[bytes] = []
    buckets.get(connection, "notes.jsonl", parts.append, bucket="files")
    assert b"".join(parts) == file.read_bytes()


def test_what_is_not_there_is_one_line(connection: Connection, tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="there is no such file"):
        buckets.put(connection, tmp_path / "no", bucket=None, key=None)
    with pytest.raises(UsageProblem, match=r"files-1x has no no\.jsonl"):
        buckets.get(connection, "no.jsonl", list, bucket=None)
    with pytest.raises(UsageProblem, match=r"--bucket notes: stage dev has files"):
        buckets.get(connection, "no.jsonl", list, bucket="notes")
    none = replace(connection, stage=replace(connection.stage, buckets={}))
    with pytest.raises(UsageProblem, match=r"none: name one in `buckets` of \[tool.headway\]"):
        buckets.get(none, "no.jsonl", list, bucket=None)
