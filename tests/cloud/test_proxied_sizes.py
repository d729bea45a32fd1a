"""Payloads of a REST API: 10 MB and one byte more, both ways."""

from typing import TYPE_CHECKING

import httpx

from tests.cloud.rest_api import deploy, echo, mock, proxied

if TYPE_CHECKING:
    from tests.cloud.conftest import Clouds

MOST_BYTES = 10 * 1024 * 1024


def test_a_request_of_ten_megabytes_passes_and_one_byte_more_does_not(clouds: "Clouds") -> None:
    url = deploy(clouds.strict, {"POST": mock()})
    assert httpx.post(url, content=bytes(MOST_BYTES)).status_code == 200
    answer = httpx.post(url, content=bytes(MOST_BYTES + 1))
    assert (answer.status_code, answer.json()) == (413, {"message": "HTTP content length exceeded 10485760 bytes."})


def test_an_answer_above_ten_megabytes_is_the_gateways_own_error(clouds: "Clouds") -> None:
    with echo() as back_end:
        url = deploy(clouds.strict, {"POST": proxied(back_end)})
        assert httpx.post(url, headers={"X-Bytes": str(MOST_BYTES - 1_000)}).status_code == 200
        assert httpx.post(url, headers={"X-Bytes": str(MOST_BYTES)}).status_code == 500


def test_the_lenient_cloud_takes_more(clouds: "Clouds") -> None:
    assert httpx.post(deploy(clouds.lenient, {"POST": mock()}), content=bytes(MOST_BYTES + 1)).status_code == 200
