"""Described signatures: the vendors' published vectors hold, and next to each of them is a table of forgeries."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl

import pytest
from headway_lane.contract.signature import Algorithm, Encoding, Signature
from headway_lane.contract.signature_presets import PRESETS
from headway_lane.contract.signature_rules import contradiction
from headway_lane.runtime.errors import Forged
from headway_lane.verification import signed_text
from headway_lane.verification.proof import MOST_KEYS, MOST_SIGNATURES
from headway_lane.verification.schemes import SCHEMES, scheme_of

NOW_S = 1_800_000_000
URL = "https://callbacks.example/callbacks/acme"
BODY = '{"id": "job-1", "text": "Grüße"}'.encode()
KEY, OTHER_KEY = "It's-a-Secret-to-Everybody", "another-key"

SLACK_BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar"
    b"&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack."
    b"com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc"
    b"887a14d10d2c447fce8b6703c"
)
"""The example of Slack's documentation, "Verifying requests from Slack"."""


def _hex(key: str, message: bytes) -> str:
    return hmac.new(key.encode(), message, hashlib.sha256).hexdigest()


def _base64(key: str, message: bytes) -> str:
    return base64.b64encode(hmac.digest(key.encode(), message, "sha256")).decode()


def _stripe_like(header: str) -> Callable[[str, bytes, int], dict[str, str]]:
    return lambda key, body, at_s: {header: f"t={at_s},v1={_hex(key, f'{at_s}.'.encode() + body)}"}


SIGNED_BY: Mapping[str, Callable[[str, bytes, int], dict[str, str]]] = {
    "cloudinary": lambda key, body, at_s: {
        "x-cld-timestamp": str(at_s),
        "x-cld-signature": hashlib.sha1(body + f"{at_s}{key}".encode()).hexdigest(),  # noqa: S324 - the vendor's choice
    },
    "docusign": lambda key, body, _: {"x-docusign-signature-1": _base64(key, body)},
    "hubspot": lambda key, body, at_s: {
        "x-hubspot-request-timestamp": str(at_s),
        "x-hubspot-signature-v3": _base64(key, f"POST{URL}".encode() + body + str(at_s).encode()),
    },
    "paddle": lambda key, body, at_s: {
        "paddle-signature": f"ts={at_s};h1={_hex(key, f'{at_s}:'.encode() + body)}",
    },
    "square": lambda key, body, _: {"x-square-hmacsha256-signature": _base64(key, URL.encode() + body)},
    "workos": lambda key, body, at_s: {
        "workos-signature": f"t={at_s}, v1={_hex(key, f'{at_s}.'.encode() + body)}",
    },
    "zendesk": lambda key, body, at_s: {
        "x-zendesk-webhook-signature-timestamp": str(at_s),
        "x-zendesk-webhook-signature": _base64(key, str(at_s).encode() + body),
    },
    "zoom": lambda key, body, at_s: {
        "x-zm-request-timestamp": str(at_s),
        "x-zm-signature": f"v0={_hex(key, f'v0:{at_s}:'.encode() + body)}",
    },
    "github": lambda key, body, _: {"x-hub-signature-256": f"sha256={_hex(key, body)}"},
    "mux": _stripe_like("mux-signature"),
    "onfido": lambda key, body, _: {"x-sha2-signature": _hex(key, body)},
    "shopify": lambda key, body, _: {
        "x-shopify-hmac-sha256": base64.b64encode(hmac.digest(key.encode(), body, "sha256")).decode()
    },
    "slack": lambda key, body, at_s: {
        "x-slack-request-timestamp": str(at_s),
        "x-slack-signature": f"v0={_hex(key, f'v0:{at_s}:'.encode() + body)}",
    },
    "stripe": _stripe_like("stripe-signature"),
    "twilio": lambda key, body, _: {  # BODY is a form of one name without a value
        "x-twilio-signature": base64.b64encode(hmac.digest(key.encode(), URL.encode() + body, "sha1")).decode()
    },
}
"""The way of signing of each preset that takes any body and any text as its key, written from its documentation: (key,
body, epoch seconds) -> headers.
"""
OTHERS = {"fal", "linear", "mercado-pago", "paypal", "sendgrid", "svix", "telnyx", "twilio-json"}
"""Those of `test_signed_presets.py`."""
TIMED = [name for name in SIGNED_BY if PRESETS[name].timestamp_header or PRESETS[name].timestamp_label]
LABELLED = [name for name in SIGNED_BY if PRESETS[name].signature_label == "v1"]


@dataclass(frozen=True)
class Case:
    """One callback of a preset, signed with KEY now."""

    name: str

    def headers(self, key: str = KEY, body: bytes = BODY, at_s: int = NOW_S) -> dict[str, str]:
        return SIGNED_BY[self.name](key, body, at_s)

    def verify(self, headers: Mapping[str, str], body: bytes = BODY, keys: tuple[str, ...] = (KEY,)) -> None:
        SCHEMES[self.name].verify(body, headers, keys, NOW_S, URL)


@pytest.fixture(params=SIGNED_BY)
def case(request: pytest.FixtureRequest) -> Case:
    return Case(request.param)


def test_every_preset_has_its_way_of_signing_here() -> None:
    assert set(SIGNED_BY) | OTHERS == set(PRESETS)
    assert set(SCHEMES) == set(PRESETS) | {"adyen", "standard-webhooks", "sns", "none"}


def test_githubs_published_vector_is_accepted() -> None:
    given = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    keys = ("It's a Secret to Everybody",)
    SCHEMES["github"].verify(b"Hello, World!", {"x-hub-signature-256": given}, keys, NOW_S)


def test_slacks_published_vector_is_accepted() -> None:
    headers = {
        "x-slack-request-timestamp": "1531420618",
        "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
    }
    SCHEMES["slack"].verify(SLACK_BODY, headers, ("8f742231b10e8888abcd99yyyzzz85a5",), 1_531_420_618)


TWILIO_URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
TWILIO_BODY = b"To=%2B18005551212&Digits=1234&Caller=%2B14158675309&From=%2B14158675309&CallSid=CA1234567890ABCDE"
TWILIO_HEADERS = {"x-twilio-signature": "RSOYDt4T1cUTdK1PDd93/VVr8B8="}


def test_twilios_published_vector_is_accepted() -> None:
    """As in twilio.com/docs/usage/security, and in the tests of its libraries."""
    SCHEMES["twilio"].verify(TWILIO_BODY, TWILIO_HEADERS, ("12345",), NOW_S, TWILIO_URL)


@pytest.mark.parametrize(
    ("body", "url"),
    [
        (TWILIO_BODY, TWILIO_URL.replace("https", "http")),
        (TWILIO_BODY, TWILIO_URL + "/"),
        (TWILIO_BODY, ""),
        (TWILIO_BODY.replace(b"1234&", b"1235&"), TWILIO_URL),
        (TWILIO_BODY + b"&More=1", TWILIO_URL),
    ],
)
def test_another_url_or_form_than_the_signed_one_is_forged(body: bytes, url: str) -> None:
    with pytest.raises(Forged, match="no signature matches a key"):
        SCHEMES["twilio"].verify(body, TWILIO_HEADERS, ("12345",), NOW_S, url)


def test_standard_webhooks_is_a_signature_that_can_be_described() -> None:
    described = Signature(
        Algorithm.HMAC_SHA256,
        "webhook-signature",
        prefix="v1,",
        timestamp_header="webhook-timestamp",
        signed="msg_p5jXN8AQM9LWM0D4loKWxJek.{timestamp}.{body}",
        encoding=Encoding.BASE64,
        key_encoding=Encoding.BASE64,
        key_prefix="whsec_",
    )
    headers = {
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    keys = ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",)
    scheme_of(described).verify(b'{"test": 2432232314}', headers, keys, 1_614_265_330)


def test_what_a_vendor_signs_is_accepted(case: Case) -> None:
    case.verify(case.headers())
    assert {name.lower() for name in SCHEMES[case.name].headers} >= set(case.headers()), "the API passes these on"


def test_any_bytes_can_be_signed(case: Case) -> None:
    body = b"\xff\x00\r\n{timestamp}"
    case.verify(case.headers(body=body), body)


@pytest.mark.parametrize("keys", [(OTHER_KEY, KEY), (KEY, OTHER_KEY), ("", KEY)])
def test_during_a_rotation_any_key_verifies(case: Case, keys: tuple[str, ...]) -> None:
    case.verify(case.headers(), keys=keys)


@pytest.mark.parametrize("keys", [(), ("",), (OTHER_KEY,), (KEY[:-1],)])
def test_a_wrong_an_empty_and_a_missing_key_verify_nothing(case: Case, keys: tuple[str, ...]) -> None:
    with pytest.raises(Forged, match="no signature matches a key"):
        case.verify(case.headers(), keys=keys)


def test_what_anybody_signs_with_an_empty_key_is_forged(case: Case) -> None:
    with pytest.raises(Forged, match="no signature matches a key"):
        case.verify(case.headers(key=""), keys=("",))


@pytest.mark.parametrize("body", [b"", BODY + b"\n", BODY.replace(b": ", b":"), BODY.replace(b"1", b"2")])
def test_an_altered_byte_is_forged(case: Case, body: bytes) -> None:
    with pytest.raises(Forged, match="no signature matches a key"):
        case.verify(case.headers(), body)


def test_a_missing_header_is_named_and_never_a_bypass(case: Case) -> None:
    for missing in case.headers():
        with pytest.raises(Forged, match=f"(?i)the header '{missing}' is missing"):
            case.verify({name: value for name, value in case.headers().items() if name != missing})


@pytest.mark.parametrize("value", ["", " ", "=", ",", "t=,v1=", "v1=", "sha256=", "v0=", "\x7f%%%", "Grüße", "0" * 64])
def test_garbage_is_forged(case: Case, value: str) -> None:
    for name in case.headers():
        with pytest.raises(Forged):
            case.verify(case.headers() | {name: value})


@pytest.mark.parametrize("name", TIMED)
@pytest.mark.parametrize(
    ("side", "beyond_s", "reason"), [(1, 0, None), (1, 1, "old"), (-1, 0, None), (-1, 1, "in the future")]
)
def test_an_old_and_a_future_timestamp_are_refused(name: str, side: int, beyond_s: int, reason: str | None) -> None:
    case = Case(name)
    headers = case.headers(at_s=NOW_S - side * (PRESETS[name].tolerance_s + beyond_s))
    if reason is None:
        case.verify(headers)
    else:
        with pytest.raises(Forged, match=reason):
            case.verify(headers)


@pytest.mark.parametrize("name", TIMED)
@pytest.mark.parametrize("timestamp", ["", "yesterday", "nan", "-1", "1.0", "1_0", "1T", "٣", "9" * 5_000])
def test_a_timestamp_that_is_none_is_refused(name: str, timestamp: str) -> None:
    case = Case(name)
    headers = {header: value.replace(str(NOW_S), timestamp) for header, value in case.headers().items()}
    with pytest.raises(Forged, match="is not a time"):
        case.verify(headers)


@pytest.mark.parametrize("name", TIMED)
def test_another_time_than_the_signed_one_is_forged(name: str) -> None:
    case = Case(name)
    headers = {header: value.replace(str(NOW_S), str(NOW_S + 1)) for header, value in case.headers().items()}
    with pytest.raises(Forged, match="no signature matches a key"):
        case.verify(headers)


@pytest.mark.parametrize("name", LABELLED)
@pytest.mark.parametrize("others", ["{},v1=00", "{}, v1=00", "{},v0=00,v2=00"])
def test_one_good_signature_among_several_is_enough(name: str, others: str) -> None:
    case = Case(name)
    case.verify({header: others.format(value) for header, value in case.headers().items()})


@pytest.mark.parametrize("name", LABELLED)
def test_a_signature_under_another_label_is_none(name: str) -> None:
    case = Case(name)
    with pytest.raises(Forged, match="no signature matches a key"):
        case.verify({header: value.replace("v1=", "v0=") for header, value in case.headers().items()})


def test_hex_is_read_in_either_case() -> None:
    case = Case("onfido")
    case.verify({name: value.upper() for name, value in case.headers().items()})


@pytest.mark.parametrize("encoding", [Encoding.HEX, Encoding.BASE64])
def test_a_key_that_cannot_be_decoded_is_passed_over(encoding: Encoding) -> None:
    scheme = scheme_of(Signature(Algorithm.HMAC_SHA512, "X-Signature", key_encoding=encoding, key_prefix="key-"))
    raw = b"\xfb\xff\x00" * 6
    key = f"key-{raw.hex() if encoding is Encoding.HEX else base64.b64encode(raw).decode()}"
    headers = {"x-signature": hmac.new(raw, BODY, "sha512").hexdigest()}
    scheme.verify(BODY, headers, ("key-Grüße", "key-", "key-x", key), NOW_S)
    with pytest.raises(Forged, match="no signature matches a key"):
        scheme.verify(BODY, headers, ("key-Grüße", "key-", "key-x"), NOW_S)


@pytest.mark.parametrize("prefix", ["", "Bearer "])
def test_a_static_header_is_the_key_itself(prefix: str) -> None:
    scheme = scheme_of(Signature(Algorithm.STATIC, "X-Webhook-Token", prefix=prefix))
    assert scheme.headers == ("X-Webhook-Token",)
    scheme.verify(BODY, {"x-webhook-token": prefix + KEY}, (OTHER_KEY, KEY), NOW_S)
    for value, keys in ((prefix + KEY, (OTHER_KEY,)), (prefix, ("",)), ("", ("",)), (prefix + "Grüße", (KEY,))):
        with pytest.raises(Forged, match="the header 'X-Webhook-Token' is none of the keys"):
            scheme.verify(BODY, {"x-webhook-token": value}, keys, NOW_S)
    with pytest.raises(Forged, match="the header 'X-Webhook-Token' is missing"):
        scheme.verify(BODY, {}, (KEY,), NOW_S)


def test_none_takes_everything_and_has_to_be_said() -> None:
    assert SCHEMES["none"].headers == ()
    SCHEMES["none"].verify(BODY, {}, (), NOW_S)


def test_no_refusal_repeats_a_key_or_a_signature(case: Case) -> None:
    with pytest.raises(Forged) as refused:
        case.verify(case.headers(), keys=(OTHER_KEY,))
    assert not any(secret in str(refused.value) for secret in (OTHER_KEY, *case.headers().values()))


SOUND = Signature(Algorithm.HMAC_SHA256, "X-Signature")
CONTRADICTIONS = {
    "no body": (replace(SOUND, signed="{timestamp}", timestamp_header="X-Time"), "has no `{body}` and no `{form}`"),
    "a digest without a key": (replace(SOUND, algorithm=Algorithm.SHA1), "has `{key}` where"),
    "a key in an HMAC": (replace(SOUND, signed="{body}{key}"), "has `{key}` where"),
    "a key before the body": (replace(SOUND, algorithm=Algorithm.SHA256, signed="{key}{body}"), "can lengthen it"),
    "a key before a form": (replace(SOUND, algorithm=Algorithm.SHA1, signed="{key}{form}"), "can lengthen it"),
    "a key in the middle": (replace(SOUND, algorithm=Algorithm.SHA256, signed="{body}{key}{url}"), "can lengthen it"),
    "a key before the time": (
        replace(SOUND, algorithm=Algorithm.SHA1, signed="{body}.{key}.{timestamp}", timestamp_header="X-Time"),
        "can lengthen it",
    ),
    "a time that is nowhere": (replace(SOUND, signed="{timestamp}.{body}"), "has `{timestamp}` where"),
    "a time that is not signed": (replace(SOUND, timestamp_header="X-Time"), "is not signed proves nothing"),
    "two times": (
        replace(SOUND, signed="{timestamp}{body}", timestamp_header="X-T", timestamp_label="t", signature_label="v1"),
        "has `{timestamp}` where",
    ),
    "pairs without a signature": (
        replace(SOUND, signed="{timestamp}{body}", timestamp_label="t"),
        "`timestamp_label` needs `signature_label`",
    ),
    "pairs behind a prefix": (replace(SOUND, prefix="v=", signature_label="v1"), "exclude each other"),
    "a static header that is signed": (
        replace(SOUND, algorithm=Algorithm.STATIC, timestamp_header="X-Time"),
        "`static` knows `header` and `prefix` only",
    ),
}


@pytest.mark.parametrize(("description", "words"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_a_description_that_lets_anybody_in_or_nobody_is_refused(description: Signature, words: str) -> None:
    assert words in str(contradiction(description))
    with pytest.raises(Forged):
        scheme_of(description).verify(BODY, {name.lower(): "" for name in description.headers}, (KEY,), NOW_S)


def test_sound_descriptions_have_no_contradiction() -> None:
    static = Signature(Algorithm.STATIC, "X-Token", prefix="Bearer ")
    last = replace(SOUND, algorithm=Algorithm.SHA256, signed="{url}{body}{key}")
    twice = replace(SOUND, algorithm=Algorithm.SHA1, signed="{key}.{body}.{key}.end")
    assert [contradiction(one) for one in (SOUND, static, last, twice)] == [None] * 4
    assert {name: found for name, preset in PRESETS.items() if (found := contradiction(preset))} == {
        "paypal": "`account` is said where `signed` has `{account}`, and only there: `{preset: NAME, account: ID}`"
    }


def _lengthened(digest: str, message: bytes, key_length: int, more: bytes) -> tuple[bytes, str]:
    """Return a longer message, and its SHA-1 under a key that nobody here knows (FIPS 180-4, 6.1)."""
    length = key_length + len(message)
    padding = b"\x80" + b"\x00" * ((55 - length) % 64) + (8 * length).to_bytes(8, "big")
    total = length + len(padding) + len(more)
    rest = more + b"\x80" + b"\x00" * ((55 - total) % 64) + (8 * total).to_bytes(8, "big")
    state = [int(digest[at : at + 8], 16) for at in range(0, 40, 8)]
    for at in range(0, len(rest), 64):
        words = [int.from_bytes(rest[at + 4 * number : at + 4 * number + 4], "big") for number in range(16)]
        for number in range(16, 80):
            words.append(_turned(words[number - 3] ^ words[number - 8] ^ words[number - 14] ^ words[number - 16], 1))
        a, b, c, d, e = state
        for number in range(80):
            choose, parity, majority = b & c | ~b & d, b ^ c ^ d, b & c | b & d | c & d
            mixed = (choose, parity, majority, parity)[number // 20]
            constant = (0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xCA62C1D6)[number // 20]
            a, b, c, d, e = (_turned(a, 5) + mixed + e + constant + words[number]) % 2**32, a, _turned(b, 30), c, d
        state = [(one + other) % 2**32 for one, other in zip(state, (a, b, c, d, e), strict=True)]
    return message + padding + more, "".join(f"{word:08x}" for word in state)


def _turned(word: int, by: int) -> int:
    return (word << by | word >> 32 - by) % 2**32


def test_a_key_before_the_body_would_let_a_stranger_lengthen_it_and_is_refused_when_a_callback_comes() -> None:
    """Also where the contract came past `headway validate`."""
    description = replace(SOUND, algorithm=Algorithm.SHA1, signed="{key}{body}")
    seen = hashlib.sha1(KEY.encode() + BODY).hexdigest()  # noqa: S324 - what is shown to be weak
    body, digest = _lengthened(seen, BODY, len(KEY), b"&status=succeeded")
    assert digest == hashlib.sha1(KEY.encode() + body).hexdigest()  # noqa: S324
    with pytest.raises(Forged, match="can lengthen it"):
        scheme_of(description).verify(body, {"x-signature": digest}, (KEY,), NOW_S)


FORM = Signature(Algorithm.HMAC_SHA256, "X-Signature", signature_label="v1", signed="{form}")


def test_a_form_is_read_once_whatever_the_keys_and_signatures(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def parse(text: str, **options: Any) -> list[tuple[str, str]]:
        read.append(text)
        return parse_qsl(text, **options)

    monkeypatch.setattr(signed_text, "parse_qsl", parse)
    keys = tuple(f"another-key-{number}" for number in range(MOST_KEYS))
    with pytest.raises(Forged, match="no signature matches a key"):
        scheme_of(FORM).verify(
            b"a=1&b=2", {"x-signature": ",".join([f"v1={'00' * 32}"] * MOST_SIGNATURES)}, keys, NOW_S
        )
    assert len(read) == 1


@pytest.mark.parametrize(
    ("headers", "keys", "body"),
    [
        ({"x-signature": f"v1={'00' * 32}"}, (), b"a=1"),
        ({"x-signature": f"v1={'00' * 32}"}, ("x",), b"a=1"),
        ({"x-signature": "v2=00"}, (KEY,), b"a=1"),
        ({"x-signature": ",".join(["v1=00"] * (MOST_SIGNATURES + 1))}, (KEY,), b"a=1"),
        ({}, (KEY,), b"a=1"),
    ],
    ids=["no key", "no key of its kind", "no signature", "too many signatures", "no header"],
)
def test_a_form_is_not_read_where_nothing_can_match(
    monkeypatch: pytest.MonkeyPatch, headers: dict[str, str], keys: tuple[str, ...], body: bytes
) -> None:
    monkeypatch.setattr(signed_text, "parse_qsl", lambda *_, **__: pytest.fail("the form was read"))
    with pytest.raises(Forged):
        scheme_of(FORM).verify(body, headers, keys, NOW_S)


@pytest.mark.parametrize("name", ["stripe", "standard-webhooks"])
def test_so_many_signatures_are_compared_with_so_many_keys_and_no_more(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    computed: list[bytes] = []
    compute = hmac.digest

    def digest(key: bytes, text: bytes, kind: str) -> bytes:
        computed.append(key)
        return compute(key, text, kind)

    monkeypatch.setattr(hmac, "digest", digest)
    keys = [f"whsec_{base64.b64encode(bytes([number]) * 24).decode()}" for number in range(3 * MOST_KEYS)]

    def verify(count: int) -> None:
        headers = {
            "stripe-signature": ",".join([f"t={NOW_S}", *[f"v1={'00' * 32}"] * count]),
            "webhook-id": "m",
            "webhook-timestamp": str(NOW_S),
            "webhook-signature": " ".join(["v1,AAAA"] * count),
        }
        SCHEMES[name].verify(BODY, headers, keys, NOW_S)

    with pytest.raises(Forged, match="no signature matches a key"):
        verify(MOST_SIGNATURES)
    assert len(computed) == MOST_KEYS
    with pytest.raises(Forged, match="has more than 8 signatures"):
        verify(100)
    assert len(computed) == MOST_KEYS


def test_a_description_is_read_from_a_contract() -> None:
    document = {
        "algorithm": "sha256",
        "header": "X-Cld-Signature",
        "timestamp_header": "X-Cld-Timestamp",
        "signed": "{body}{timestamp}{key}",
        "encoding": "base64",
        "tolerance_s": 60,
    }
    read = Signature.from_document(document)
    expected = replace(PRESETS["cloudinary"], algorithm=Algorithm.SHA256, encoding=Encoding.BASE64, tolerance_s=60)
    assert read == expected
    assert read.headers == ("X-Cld-Signature", "X-Cld-Timestamp")
