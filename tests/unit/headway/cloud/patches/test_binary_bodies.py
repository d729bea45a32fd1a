"""The patch of the emulator's bodies: what API Gateway takes as binary reaches a template as base64, byte for byte."""

import asyncio
import base64
from typing import Any

import pytest
from ministack.services import apigateway_v1

from headway.cloud.patches import binary_bodies

BODY = b'{"text": "\xff"}'


@pytest.fixture
def bodies(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Patch the emulator for one test, and note what its integration is given."""
    noted: list[bytes] = []

    async def invoke(*args: Any, **options: Any) -> Any:
        noted.append(args[8])
        return 200, {}, b""

    monkeypatch.setattr(apigateway_v1, "_invoke_sqs_v1", invoke)
    binary_bodies.apply()
    return noted


def call(headers: dict[str, str], body: bytes, media_types: list[str]) -> None:
    invoke: Any = apigateway_v1._invoke_sqs_v1
    asyncio.run(invoke({}, "api", "v", {}, {}, "/", "POST", headers, body, {}, {}, binary_media_types=media_types))


def test_the_emulators_integration_takes_its_arguments_in_the_order_that_the_fix_expects() -> None:
    names = apigateway_v1._invoke_sqs_v1.__code__.co_varnames[:9]
    assert names[7:9] == ("headers", "body")


@pytest.mark.parametrize("name", ["Content-Type", "content-type"])
def test_a_binary_body_is_base64_for_the_template(bodies: list[bytes], name: str) -> None:
    call({name: "application/json; charset=utf-8"}, BODY, ["*/*"])
    assert [base64.b64decode(body, validate=True) for body in bodies] == [BODY]


def test_a_body_without_a_media_type_is_json_to_the_api(bodies: list[bytes]) -> None:
    call({}, BODY, ["application/json"])
    assert [base64.b64decode(body) for body in bodies] == [BODY]


def test_other_bodies_and_empty_ones_stay_as_they_are(bodies: list[bytes]) -> None:
    call({"Content-Type": "text/plain"}, BODY, ["image/*"])
    call({"Content-Type": "text/plain"}, b"", ["*/*"])
    assert bodies == [BODY, b""]
