"""The patch that lets a machine read an object of S3."""

from typing import Any

import pytest
from ministack.services import s3
from ministack.services import stepfunctions as sfn

from headway.cloud.patches.object_bodies import get_object

PLACE = {"Bucket": "files", "Key": "notes.json"}


def answering(monkeypatch: pytest.MonkeyPatch, status: int, body: bytes) -> None:
    def get(*_: Any) -> Any:
        return status, {"Content-Type": "application/json"}, body

    monkeypatch.setattr(s3, "_get_object", get)


def test_an_object_is_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, 200, "für".encode())
    assert get_object(PLACE) == {"Body": "für", "ContentLength": 4, "ContentType": "application/json"}


def test_a_key_that_is_not_there_is_an_error_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, 404, b"")
    with pytest.raises(sfn._ExecutionError) as refused:
        get_object(PLACE)
    assert refused.value.error == "S3.NoSuchKeyException"
