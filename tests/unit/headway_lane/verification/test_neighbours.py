"""Neighbours of the descriptions that vendors have: separators, encodings, spellings and times, two hundred of each."""

import base64
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from headway_lane.contract.exchange import Callback
from headway_lane.contract.signature_presets import described
from headway_lane.contract.signature_rules import contradiction, unsigned_decision
from headway_lane.runtime.errors import Forged
from headway_lane.verification.schemes import scheme_of
from hypothesis import given, settings
from hypothesis import strategies as st

KEY = "a-secret-of-ours"
NOW_S = 1_800_000_000
BODY = b'{"id": "job-1"}'
many = settings(max_examples=200, deadline=None)
WRITTEN: dict[str, Callable[[bytes], list[str]]] = {
    "hex": lambda raw: [raw.hex(), raw.hex().upper()],
    "base64": lambda raw: [base64.b64encode(raw).decode(), base64.b64encode(raw).decode().rstrip("=")],
    "base64url": lambda raw: [
        base64.urlsafe_b64encode(raw).decode().rstrip("="),
        base64.urlsafe_b64encode(raw).decode(),
    ],
}
TIMES = [
    str(NOW_S),
    str(NOW_S * 1_000 + 123),
    datetime.fromtimestamp(NOW_S, UTC).isoformat(),
    "2027-01-15T08:00:00Z",
    "2027-01-15T08:00:00.250Z",
    "2027-01-15T09:00:00+01:00",
    "2027-01-15T09:00:00+0100",
]


def verify(said: Mapping[str, object], headers: dict[str, str], body: bytes = BODY, at_s: float = NOW_S) -> None:
    description = {"algorithm": "hmac-sha256", "header": "X-Sig", **said}
    scheme_of(described(description)).verify(body, headers, [KEY], at_s, "https://a.example/callbacks/acme")


@many
@given(
    between=st.sampled_from([",", ", ", ";", "; ", " ", " , "]),
    equals=st.sampled_from(["=", " = "]),
    labels=st.sampled_from([("t", "v1"), ("ts", "h1"), ("timestamp", "signature")]),
    time=st.sampled_from(TIMES),
    encoding=st.sampled_from(list(WRITTEN)),
    writing=st.integers(0, 1),
    reverse=st.booleans(),
    other=st.booleans(),
)
def test_pairs_are_read_however_they_are_written(
    between: str,
    equals: str,
    labels: tuple[str, str],
    time: str,
    encoding: str,
    writing: int,
    reverse: bool,
    other: bool,
) -> None:
    value = WRITTEN[encoding](hmac.digest(KEY.encode(), f"{time}|".encode() + BODY, "sha256"))[writing]
    pairs = [f"{labels[0]}{equals}{time}", f"{labels[1]}{equals}{value}", *(["v0=00", "flag"] if other else [])]
    header = between.join(reversed(pairs) if reverse else pairs)
    said = {"timestamp_label": labels[0], "signature_label": labels[1], "signed": "{timestamp}|{body}"}
    verify(said | {"encoding": encoding}, {"x-sig": header})
    for away_s in (302, -302):
        with pytest.raises(Forged, match=r"is old|in the future"):
            verify(said | {"encoding": encoding}, {"x-sig": header}, at_s=NOW_S + away_s)
    with pytest.raises(Forged, match="no signature matches a key"):
        verify(said | {"encoding": encoding}, {"x-sig": header}, BODY + b" ")


documents = st.dictionaries(
    st.text(max_size=5),
    st.integers() | st.text(max_size=5) | st.none() | st.lists(st.booleans(), max_size=3),
    max_size=5,
)


@many
@given(document=documents, ascii_only=st.booleans(), spaced=st.booleans(), sent=st.sampled_from([None, 2]))
def test_a_document_is_written_again_as_the_signer_does(
    document: dict[str, object], ascii_only: bool, spaced: bool, sent: int | None
) -> None:
    marks = (", ", ": ") if spaced else (",", ":")
    text = json.dumps(document, sort_keys=True, ensure_ascii=ascii_only, separators=marks)
    piece = f"{{json_sorted{'_ascii' * ascii_only}{'_spaced' * spaced}}}"
    headers = {"x-sig": hmac.digest(KEY.encode(), text.encode(), "sha256").hex()}
    verify({"signed": piece}, headers, json.dumps(document, indent=sent).encode())
    with pytest.raises(Forged, match="no signature matches a key"):
        verify({"signed": piece}, headers, json.dumps([document]).encode())


@many
@given(
    fields=st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["", "1", "ü &="])), max_size=8),
    rotated=st.integers(0, 7),
)
def test_fields_of_a_form_are_signed_once_each_in_any_order(fields: list[tuple[str, str]], rotated: int) -> None:
    text = "".join(name + value for name, value in sorted(set(fields)))
    headers = {"x-sig": hmac.digest(KEY.encode(), text.encode(), "sha256").hex()}
    verify({"signed": "{form}"}, headers, urlencode(fields[rotated:] + fields[:rotated]).encode())


@pytest.mark.parametrize("url", ["https://a.example/callbacks/acme", "https://a.example:443/callbacks/acme"])
def test_a_default_port_may_be_there_or_not_and_no_other(url: str) -> None:
    verify({"signed": "{url}{body}"}, {"x-sig": hmac.digest(KEY.encode(), url.encode() + BODY, "sha256").hex()})
    other = url.replace(".example", ".example:8443", 1).replace(":443", "", 1).encode()
    with pytest.raises(Forged):
        verify({"signed": "{url}{body}"}, {"x-sig": hmac.digest(KEY.encode(), other + BODY, "sha256").hex()})


@pytest.mark.parametrize(
    ("said", "is_result", "words"),
    [
        ({"job_id": "id"}, False, "`id` is not signed"),
        ({"job_id": "data.id", "status": "type", "success": ["x"]}, False, "`type` is not signed"),
        ({"job_id": "data.id", "events": "all"}, False, "one event is signed"),
        ({"job_id": "data.id", "body": "form"}, False, "has to be `json`"),
        ({"job_id": "data.id"}, True, "fetch the result"),
        ({"job_id": "id", "verification": {"preset": "paypal", "account": "W"}}, True, "fetch the result"),
        ({"job_id": "id", "verification": "twilio"}, False, "make it `form`"),
        ({"job_id": "data.id"}, False, None),
    ],
)
def test_what_is_not_signed_does_not_decide(said: dict[str, object], is_result: bool, words: str | None) -> None:
    callback = Callback.from_document({"verification": "mercado-pago"} | said)
    found = unsigned_decision(callback, is_result=is_result)
    assert found is None if words is None else words in str(found)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"signed": "{nonsense}{body}"}, "signed as it stands"),
        ({"signed": "{header.x-id}"}, "any body would pass"),
        ({"signed": "{body}{account}"}, "`account` is said where"),
        ({"key_encoding": "pem"}, "is public"),
        ({"algorithm": "ed25519"}, "`key_encoding` is missing"),
        ({"timestamp_query": "at"}, "proves nothing"),
        ({"signed": "{body_crc32}", "timestamp_field": "at"}, "proves nothing"),
        ({"timestamp_field": "at"}, None),
    ],
)
def test_a_description_that_proves_nothing_is_refused(said: dict[str, str], words: str | None) -> None:
    signature = described({"algorithm": "hmac-sha256", "header": "X-Sig", **said})
    assert not isinstance(signature, str)
    found = contradiction(signature)
    assert found is None if words is None else words in str(found)
