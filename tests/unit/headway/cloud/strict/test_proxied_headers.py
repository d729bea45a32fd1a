"""Which headers go on to an HTTP back end."""

import pytest

from headway.cloud.strict.proxied_headers import DROPPED, passed

SIGNED = "AWS4-HMAC-SHA256 Credential=A/20261130/us-east-1/execute-api/aws4_request, Signature=0"


@pytest.mark.parametrize("name", sorted(DROPPED))
def test_what_belongs_to_the_gateway_or_to_a_connection_is_dropped_however_it_is_spelled(name: str) -> None:
    assert passed({name: "1", name.title(): "1", "X-Mark": "1"}, "NONE") == {"X-Mark": "1"}


@pytest.mark.parametrize(
    ("value", "authorization", "goes_on"),
    [
        (SIGNED, "NONE", False),
        (SIGNED, "AWS_IAM", False),
        ("Bearer a", "AWS_IAM", False),
        ("Bearer a", "NONE", True),
        ("Bearer a", "CUSTOM", True),
    ],
)
def test_an_authorization_goes_on_unless_it_was_for_the_gateway(value: str, authorization: str, goes_on: bool) -> None:
    assert ("authorization" in passed({"authorization": value}, authorization)) is goes_on
