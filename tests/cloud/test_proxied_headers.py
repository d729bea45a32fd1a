"""Headers on their way through an HTTP proxy: mapped, passed on or dropped, and what comes back."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.cloud.rest_api import deploy, echo, proxied

if TYPE_CHECKING:
    from headway.deployment.target import Target
    from tests.cloud.conftest import Clouds

MAPPING = {
    "integration.request.header.Authorization": "method.request.header.X-Own-Credential",
    "integration.request.header.X-Amz-Security-Token": "'none'",
    "integration.request.header.X-Page": "method.request.querystring.page",
}
SENT = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=A/20261130/us-east-1/execute-api/aws4_request, Signature=0",
    "X-Amz-Date": "20261130T000000Z",
    "X-Amz-Security-Token": "of the role",
    "X-Mark": "1",
    "Via": "1.1 here",
    "Max-Forwards": "3",
}


@pytest.fixture(scope="module")
def back_end() -> Iterator[str]:
    with echo() as url:
        yield url


def heard(target: "Target", back_end: str, sent: dict[str, str], query: str = "") -> dict[str, str]:
    """Return what the back end hears, with names in lower case."""
    declared = {source: False for source in MAPPING.values() if source.startswith("method.")}
    method = proxied(
        back_end,
        integration={"RequestParameters": MAPPING},
        AuthorizationType="AWS_IAM",
        RequestParameters=declared,
    )
    answer = httpx.post(deploy(target, {"POST": method}) + query, headers=sent)
    assert answer.status_code == 200, answer.text
    return {name.lower(): value for name, value in answer.json()["headers"].items()}


def test_a_credential_in_a_header_of_our_own_arrives_as_the_back_ends(clouds: "Clouds", back_end: str) -> None:
    headers = heard(clouds.strict, back_end, {**SENT, "x-own-credential": "Bearer secret"}, "?page=7")
    assert headers["authorization"] == "Bearer secret"
    assert headers["x-page"] == "7"


def test_a_static_value_goes_over_what_was_sent(clouds: "Clouds", back_end: str) -> None:
    assert heard(clouds.strict, back_end, SENT)["x-amz-security-token"] == "none"


def test_the_signature_and_what_belongs_to_the_connection_are_dropped(clouds: "Clouds", back_end: str) -> None:
    headers = heard(clouds.strict, back_end, SENT)
    assert not {"authorization", "via", "max-forwards", "x-page"} & set(headers)
    assert (headers["x-mark"], headers["x-amz-date"]) == ("1", SENT["X-Amz-Date"])


def test_any_authorization_is_dropped_where_iam_is_asked(clouds: "Clouds", back_end: str) -> None:
    assert "authorization" not in heard(clouds.strict, back_end, {"Authorization": "unsigned"})


def test_an_authorization_of_another_kind_passes_a_method_without_iam(clouds: "Clouds", back_end: str) -> None:
    url = deploy(clouds.strict, {"POST": proxied(back_end)})
    for value, passes in (("Bearer a", True), (SENT["Authorization"], False)):
        answer = httpx.post(url, headers={"Authorization": value})
        assert ("authorization" in {name.lower() for name in answer.json()["headers"]}) is passes


def test_the_lenient_cloud_passes_the_signature_on(clouds: "Clouds", back_end: str) -> None:
    assert heard(clouds.lenient, back_end, SENT)["authorization"] == SENT["Authorization"]


def test_the_back_ends_own_date_and_server_come_back_under_other_names(clouds: "Clouds", back_end: str) -> None:
    answer = httpx.post(deploy(clouds.strict, {"POST": proxied(back_end)}))
    assert answer.headers["x-amzn-remapped-date"].endswith("GMT")
    assert answer.headers["x-amzn-remapped-server"].startswith("BaseHTTP")
