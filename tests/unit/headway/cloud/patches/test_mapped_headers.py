"""Patched HTTP_PROXY of the emulator: the backend gets the headers that the integration maps."""

from headway.cloud.patches.mapped_headers import mapped

CREDENTIAL = {"integration.request.header.Authorization": "method.request.header.X-Credential"}
SIGNATURE = "AWS4-HMAC-SHA256 Credential=..."


def test_a_header_takes_the_value_of_the_one_that_it_is_mapped_from() -> None:
    sent = mapped(CREDENTIAL, {"x-credential": "Bearer token", "authorization": SIGNATURE})
    assert sent["authorization"] == "Bearer token"


def test_the_gateways_own_signature_does_not_reach_the_backend() -> None:
    assert mapped({}, {"Authorization": SIGNATURE, "X-Mark": "1"}) == {"x-mark": "1"}
    assert mapped({}, {"Authorization": "Bearer of the caller"}) == {"authorization": "Bearer of the caller"}


def test_a_text_in_quotes_is_sent_as_it_is_and_a_header_that_is_missing_is_not_sent() -> None:
    assert mapped({"integration.request.header.X-Kind": "'text/plain'"}, {}) == {"x-kind": "text/plain"}
    assert mapped(CREDENTIAL, {}) == {}


def test_parameters_of_paths_are_left_alone() -> None:
    assert mapped({"integration.request.path.proxy": "method.request.path.proxy"}, {}) == {}
