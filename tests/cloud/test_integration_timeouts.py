"""A back end that is slower than the integration's timeout."""

from typing import TYPE_CHECKING

import httpx

from tests.cloud.rest_api import deploy, echo, proxied

if TYPE_CHECKING:
    from tests.cloud.conftest import Clouds

SHORT = {"TimeoutInMillis": 500}
SLOW = {"X-Slow-S": "1.0"}


def test_a_back_end_that_is_too_slow_is_answered_for_with_504(clouds: "Clouds") -> None:
    with echo() as back_end:
        url = deploy(clouds.strict, {"POST": proxied(back_end, integration=SHORT)})
        assert httpx.post(url).status_code == 200
        answer = httpx.post(url, headers=SLOW)
    assert (answer.status_code, answer.json()) == (504, {"message": "Endpoint request timed out"})


def test_the_lenient_cloud_waits(clouds: "Clouds") -> None:
    with echo() as back_end:
        url = deploy(clouds.lenient, {"POST": proxied(back_end, integration=SHORT)})
        assert httpx.post(url, headers=SLOW).status_code == 200
