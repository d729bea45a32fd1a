"""Throttles of a template's stage: a method's own, else the default, each method with a bucket of its own."""

import time
from typing import TYPE_CHECKING

import httpx

from tests.cloud.rest_api import deploy, mock

if TYPE_CHECKING:
    from tests.cloud.conftest import Clouds

DEFAULT = {"ResourcePath": "/*", "HttpMethod": "*", "ThrottlingRateLimit": 0.01, "ThrottlingBurstLimit": 2}
RETRY_AFTER = {
    "Throttled": {
        "Type": "AWS::ApiGateway::GatewayResponse",
        "Properties": {
            "RestApiId": {"Ref": "Api"},
            "ResponseType": "THROTTLED",
            "StatusCode": "429",
            "ResponseParameters": {
                "gatewayresponse.header.Retry-After": "'1'",
                "gatewayresponse.header.Access-Control-Allow-Origin": "'*'",
                "gatewayresponse.header.X-Page": "method.request.querystring.page",
            },
            "ResponseTemplates": {"application/json": '{"why":$context.error.messageString}'},
        },
    }
}


def statuses(verb: str, url: str, count: int) -> list[int]:
    with httpx.Client() as client:
        return [client.request(verb, url).status_code for _ in range(count)]


def test_a_methods_own_throttle_holds_instead_of_the_default(clouds: "Clouds") -> None:
    own = {"ResourcePath": "/~1things", "HttpMethod": "GET", "ThrottlingRateLimit": 0.01, "ThrottlingBurstLimit": 4}
    url = deploy(clouds.strict, {"GET": mock(), "POST": mock()}, settings=[DEFAULT, own])
    assert statuses("GET", url, 5) == [200] * 4 + [429]
    assert statuses("POST", url, 3) == [200] * 2 + [429]


def test_the_default_holds_for_each_method_and_not_for_all_together(clouds: "Clouds") -> None:
    url = deploy(clouds.strict, {"GET": mock(), "POST": mock()}, settings=[DEFAULT])
    assert statuses("GET", url, 3) == statuses("POST", url, 3) == [200, 200, 429]


def test_a_bucket_of_one_refuses_what_comes_sooner_than_its_rate(clouds: "Clouds") -> None:
    one = {**DEFAULT, "ThrottlingRateLimit": 2, "ThrottlingBurstLimit": 1}
    url = deploy(clouds.strict, {"GET": mock()}, settings=[one])
    with httpx.Client() as client:
        assert [client.get(url).status_code for _ in range(2)] == [200, 429]
        time.sleep(0.55)
        assert [client.get(url).status_code for _ in range(2)] == [200, 429]


def test_what_is_throttled_is_answered_as_the_gateway_response_says(clouds: "Clouds") -> None:
    url = deploy(clouds.strict, {"GET": mock()}, settings=[DEFAULT], others=RETRY_AFTER)
    assert statuses("GET", url, 2) == [200, 200]
    answer = httpx.get(url + "?page=7")
    assert (answer.status_code, answer.json()) == (429, {"why": "Too Many Requests"})
    said = {"Retry-After": "1", "Access-Control-Allow-Origin": "*", "X-Page": "7"}
    assert {name: answer.headers[name] for name in said} == said
    assert answer.headers["x-amzn-errortype"] == "TooManyRequestsException"
