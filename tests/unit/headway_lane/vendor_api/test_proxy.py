"""The way to the vendor: where the credential travels, and that a signed request is the request that is sent."""

import re
from dataclasses import asdict
from types import SimpleNamespace

import boto3
import httpx
import pytest
from aws_lambda_powertools.utilities import parameters
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from headway_lane.contract.exchange import Credential
from headway_lane.runtime.names import CREDENTIAL_HEADER, Environment
from headway_lane.runtime.secrets import SECRET_MAX_AGE_S
from headway_lane.vendor_api.proxy import Proxy, SigV4, client_for, proxy_of

from tests.unit.headway_lane.fakes import FakeVendor, vendor_of

BEARER = Credential("Authorization", "Bearer {token}")
API_TOKEN = "r8_secret"
ROLE = Credentials("AKIDEXAMPLE", "secret-access-key", "session-token")
OK = httpx.Response(200, json={})


def signing(vendor: FakeVendor) -> Proxy:
    client = vendor.client()
    client.auth = SigV4(ROLE, "eu-central-1")
    return Proxy(client, BEARER, API_TOKEN)


def test_the_request_is_signed_and_the_credential_has_a_header_of_its_own() -> None:
    vendor = FakeVendor(OK)
    signing(vendor).send("POST", "/v1/jobs", 10, json={"text": "Grüße"}, headers={"Idempotency-Key": "key-1"})
    headers = vendor.requests[0].headers
    assert headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    assert "/eu-central-1/execute-api/aws4_request" in headers["authorization"]
    assert re.fullmatch(r"\d{8}T\d{6}Z", headers["x-amz-date"])
    assert headers["x-amz-security-token"] == "session-token"
    assert headers[CREDENTIAL_HEADER] == f"Bearer {API_TOKEN}"
    assert headers["idempotency-key"] == "key-1"


@pytest.mark.parametrize(("method", "body"), [("GET", None), ("POST", {"text": "Grüße"})])
@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/jobs/a%2Fb", "/v1/jobs?b=2&a=1"])
def test_the_signature_is_that_of_the_request_as_it_is_sent(method: str, body: object, path: str) -> None:
    vendor = FakeVendor(OK)
    signing(vendor).send(method, path, 10, json=body)
    (request,) = vendor.requests
    authorization = request.headers["authorization"]
    names = authorization.partition("SignedHeaders=")[2].partition(",")[0].split(";")
    assert "host" in names
    assert set(names) <= set(request.headers)
    again = AWSRequest(
        method=request.method,
        url=str(request.url),
        data=request.content,
        headers={name: request.headers[name] for name in names},
    )
    again.context["timestamp"] = request.headers["x-amz-date"]
    signer = SigV4Auth(ROLE, "execute-api", "eu-central-1")
    signature = signer.signature(signer.string_to_sign(again, signer.canonical_request(again)), again)
    assert authorization.endswith(f"Signature={signature}")


def test_the_credential_has_the_format_of_the_contract_and_the_proxy_knows_its_header() -> None:
    vendor = FakeVendor(OK)
    proxy = vendor.proxy(Credential("X-Api-Key", "token={token};v=1"), API_TOKEN)
    proxy.send("GET", "/v1/jobs/1", 10)
    headers = vendor.requests[0].headers
    assert headers[CREDENTIAL_HEADER] == f"token={API_TOKEN};v=1"
    assert CREDENTIAL_HEADER.encode() in dict(headers.raw), "API Gateway maps the name as it is spelled"
    assert "x-api-key" not in headers


def test_a_vendor_without_a_credential_gets_none() -> None:
    vendor = FakeVendor(OK)
    vendor.proxy().send("GET", "/v1/jobs/1", 10)
    assert not {"authorization", CREDENTIAL_HEADER.lower()} & set(vendor.requests[0].headers)


def test_a_caller_cannot_replace_the_credential() -> None:
    vendor = FakeVendor(OK)
    vendor.proxy(BEARER, API_TOKEN).send("GET", "/", 10, headers={CREDENTIAL_HEADER: "Bearer other"})
    assert vendor.requests[0].headers.get_list(CREDENTIAL_HEADER) == [f"Bearer {API_TOKEN}"]


def test_every_status_is_an_answer_and_no_redirect_is_followed() -> None:
    vendor = FakeVendor(httpx.Response(302, headers={"Location": "https://elsewhere.example"}))
    assert vendor.proxy().send("GET", "/", 10).status_code == 302
    assert len(vendor.requests) == 1


def test_the_timeout_of_the_contract_bounds_every_step_of_a_request() -> None:
    vendor = FakeVendor(OK)
    vendor.proxy().send("GET", "/", 2.5)
    assert set(vendor.requests[0].extensions["timeout"].values()) == {2.5}


def test_a_proxy_does_not_show_its_token_when_it_is_printed() -> None:
    assert API_TOKEN not in repr(FakeVendor(OK).proxy(BEARER, API_TOKEN))


def test_the_client_signs_with_the_functions_own_role(monkeypatch: pytest.MonkeyPatch) -> None:
    session = SimpleNamespace(get_credentials=lambda: ROLE, region_name="eu-central-1")
    monkeypatch.setattr(boto3, "Session", lambda: session)
    with client_for("https://proxy.example/live") as client:
        assert isinstance(client.auth, SigV4)


def test_a_function_without_a_role_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boto3, "Session", lambda: SimpleNamespace(get_credentials=lambda: None, region_name="x"))
    with pytest.raises(RuntimeError, match="no AWS credentials to sign its calls"):
        client_for("https://proxy.example/live")


def test_the_token_is_the_secrets_and_a_rotated_one_is_in_use_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, int]] = []

    def get_secret(arn: str, max_age: int) -> str:
        asked.append((arn, max_age))
        return API_TOKEN

    monkeypatch.setattr(parameters, "get_secret", get_secret)
    monkeypatch.setenv(Environment.API_TOKEN_SECRET, "arn:api-token")
    client = FakeVendor(OK).client()
    assert proxy_of(client, vendor_of({"credential": asdict(BEARER)})) == Proxy(client, BEARER, API_TOKEN)
    assert asked == [("arn:api-token", SECRET_MAX_AGE_S)]


def test_without_a_credential_no_secret_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(Environment.API_TOKEN_SECRET, raising=False)
    client = FakeVendor(OK).client()
    assert proxy_of(client, vendor_of({"credential": None})) == Proxy(client, None, None)
