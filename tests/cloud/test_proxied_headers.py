"""Headers on their way through an HTTP proxy: mapped, passed on or dropped, and what comes back."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import httpx
import pytest
from botocore.credentials import Credentials
from headway_cdk.hidden_headers import HIDDEN
from headway_lane.runtime.names import CREDENTIAL_HEADER
from headway_lane.vendor_api.proxy import SigV4

from tests.cloud.rest_api import deploy, echo, proxied

if TYPE_CHECKING:
    from headway.deployment.target import Target
    from tests.cloud.conftest import Clouds

MAPPING = {
    "integration.request.header.Authorization": "method.request.header.X-Own-Credential",
    **HIDDEN,
    "integration.request.header.X-Page": "method.request.querystring.page",
}
SIGNATURE = "AWS4-HMAC-SHA256"
SESSION_TOKEN = "session-token-of-our-role"
SENT = {
    "X-Mark": "1",
    "Via": "1.1 here",
    "Max-Forwards": "3",
}


@pytest.fixture(scope="module")
def back_end() -> Iterator[str]:
    with echo() as url:
        yield url


def heard(target: "Target", back_end: str, sent: dict[str, str], query: str = "") -> dict[str, str]:
    """Return what the back end hears of a signed request, with names in lower case."""
    declared = {source: False for source in MAPPING.values() if source.startswith("method.")}
    method = proxied(
        back_end,
        integration={"RequestParameters": MAPPING},
        AuthorizationType="AWS_IAM",
        RequestParameters=declared,
    )
    signed = SigV4(Credentials("test", "test", SESSION_TOKEN), target.region)
    answer = httpx.post(deploy(target, {"POST": method}) + query, headers=sent, auth=signed)
    assert answer.status_code == 200, answer.text
    return {name.lower(): value for name, value in answer.json()["headers"].items()}


def test_a_credential_in_a_header_of_our_own_arrives_as_the_back_ends(clouds: "Clouds", back_end: str) -> None:
    headers = heard(clouds.strict, back_end, {**SENT, "x-own-credential": "Bearer secret"}, "?page=7")
    assert headers["authorization"] == "Bearer secret"
    assert headers["x-page"] == "7"


def test_nothing_of_our_roles_signature_arrives(clouds: "Clouds", back_end: str) -> None:
    own = {"X-Amz-Content-Sha256": "5f3c", CREDENTIAL_HEADER: "Bearer secret", **SENT}
    headers = heard(clouds.strict, back_end, own)
    hidden = [name.rpartition(".")[2].lower() for name in HIDDEN]
    assert {name: headers[name] for name in hidden} == dict.fromkeys(hidden, "none")
    assert not [name for name, value in headers.items() if SESSION_TOKEN in value or SIGNATURE in value]


def test_what_is_not_overwritten_goes_on(clouds: "Clouds", back_end: str) -> None:
    """Nothing says that API Gateway drops it, so the cloud does not either."""
    url = deploy(clouds.strict, {"POST": proxied(back_end)})
    answer = httpx.post(url, headers={"X-Amz-Security-Token": SESSION_TOKEN, "X-Amz-Date": "20261121T120000Z"})
    heard_headers = {name.lower(): value for name, value in answer.json()["headers"].items()}
    assert heard_headers["x-amz-security-token"] == SESSION_TOKEN
    assert "x-amz-date" in heard_headers


def test_the_signature_and_what_belongs_to_the_connection_are_dropped(clouds: "Clouds", back_end: str) -> None:
    headers = heard(clouds.strict, back_end, SENT)
    assert not {"authorization", "via", "max-forwards", "x-page"} & set(headers)
    assert headers["x-mark"] == "1"


def test_an_authorization_of_another_kind_passes_a_method_without_iam(clouds: "Clouds", back_end: str) -> None:
    url = deploy(clouds.strict, {"POST": proxied(back_end)})
    for value, passes in (("Bearer a", True), (f"{SIGNATURE} Credential=A", False)):
        answer = httpx.post(url, headers={"Authorization": value})
        assert ("authorization" in {name.lower() for name in answer.json()["headers"]}) is passes


def test_the_lenient_cloud_passes_the_signature_on(clouds: "Clouds", back_end: str) -> None:
    assert heard(clouds.lenient, back_end, SENT)["authorization"].startswith(SIGNATURE)


def test_the_back_ends_own_date_and_server_come_back_under_other_names(clouds: "Clouds", back_end: str) -> None:
    answer = httpx.post(deploy(clouds.strict, {"POST": proxied(back_end)}))
    assert answer.headers["x-amzn-remapped-date"].endswith("GMT")
    assert answer.headers["x-amzn-remapped-server"].startswith("BaseHTTP")
