"""Webhook keys: what is no key of its scheme is refused where it is read, with a hint that quotes nothing of it."""

import base64
import json

import pytest
from headway_lane.contract.signature import Algorithm, Encoding, Signature
from headway_lane.contract.signature_presets import PRESETS
from headway_lane.runtime.errors import KeysRefused
from headway_lane.runtime.names import Environment
from headway_lane.verification.keys import judged, keys_of, webhook_keys
from headway_lane.verification.proof import MOST_KEYS
from headway_lane.verification.schemes import SCHEMES

from tests.unit.headway_lane.fakes import WEBHOOK_KEY, Worker

PUBLIC = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
PUBLIC_BASE64 = base64.b64encode(PUBLIC).decode()
PUBLIC_PEM = (
    "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
    "-----END PUBLIC KEY-----\n"
)
TOPIC = "arn:aws:sns:eu-central-1:123456789012:checks"
HEX = Signature(Algorithm.HMAC_SHA256, "X-Signature", key_encoding=Encoding.HEX)
BASE64 = Signature(Algorithm.HMAC_SHA256, "X-Signature", key_encoding=Encoding.BASE64, key_prefix="key-")
STATIC = Signature(Algorithm.STATIC, "Authorization", prefix="Bearer ")

TEXTS = {
    "nothing": ("", []),
    "one key": ("whsec_a", ["whsec_a"]),
    "a rotation": ("whsec_new whsec_old\n", ["whsec_new", "whsec_old"]),
    "a public key as PEM": (PUBLIC_PEM, [PUBLIC_PEM.strip()]),
    "keys in lines": ("secret-1\r\nsecret-0", ["secret-1", "secret-0"]),
    "digits": ("12345", ["12345"]),
    "a list": ('["It\'s a Secret", "old one"]', ["It's a Secret", "old one"]),
    "a list in lines": ('[\n  "new",\n  "old"\n]\n', ["new", "old"]),
    "an empty list": ("[]", []),
}
UNREADABLE = {
    "a scheme before a key": "Bearer x",
    "a scheme before a long key": f"Bearer {'k3' * 20}",
    "another scheme": "Basic dTpw",
    "a name before a key": "secret: 5f3c2b1a",
    "words": "correct horse battery staple",
    "a sentence": "It's a Secret to Everybody",
    "a printed object": json.dumps({"key": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}, indent=2),
    "an object": '{"webhookKey":"secret-1"}',
    "a key of a JWKS": '{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}',
    "half an object": "{",
    "half a list": '["secret-1"',
    "a list of numbers": "[1]",
    "a list of lists": '[["secret-1"]]',
    "a text of JSON": '"secret-1"',
    "deep nonsense": "[" * 100_000,
    "a PEM and a word": f"{PUBLIC_PEM} secret-1",
    "too many": " ".join(f"secret-{number}" for number in range(MOST_KEYS + 1)),
}
REFUSED = {
    "no prefix": ("standard-webhooks", WEBHOOK_KEY.removeprefix("whsec_"), "write `whsec_` before a secret"),
    "a public key without its prefix": ("standard-webhooks", PUBLIC_BASE64, "`whpk_` before a public key"),
    "a public key in hex": ("standard-webhooks", PUBLIC.hex(), "`whpk_` before a public key"),
    "a signing key": ("standard-webhooks", f"whsk_{PUBLIC_BASE64}", "write `whsec_`"),
    "one byte": ("standard-webhooks", "whsec_aQ==", "it has 1 bytes"),
    "one byte, in nonsense": ("standard-webhooks", "whsec_<a-Q=-=>", "not written in base64"),
    "no bytes": ("standard-webhooks", "whsec_", "it has 0 bytes"),
    "a cut secret": ("standard-webhooks", WEBHOOK_KEY[:-3], "not written in base64"),
    "a secret beyond ASCII": ("standard-webhooks", "whsec_Grüße", "not written in base64"),
    "a cut public key": ("standard-webhooks", f"whpk_{base64.b64encode(PUBLIC[:31]).decode()}", "it has 31 bytes"),
    "a secret of 15 bytes in hex": ("adyen", "ab" * 15, "it has 15 bytes"),
    "half a byte in hex": ("adyen", "a" * 63, "not written in hex"),
    "hex with white space": ("adyen", "ab " * 32, "not written in hex"),
    "no hex": ("adyen", "whsec_" + "ab" * 32, "not written in hex"),
    "described, no hex": (HEX, "xyz", "not written in hex"),
    "described, one byte in hex": (HEX, "aa", "it has 1 bytes"),
    "described, no base64": (BASE64, "key-<a-Q=-=>", "not written in base64"),
    "described, one byte in base64": (BASE64, "key-aQ==", "it has 1 bytes"),
    "one character": ("github", "x", "it has 1 bytes"),
    "no character": ("github", "", "it has 0 bytes"),
    "a static header of one character": (STATIC, "x", "it has 1 bytes"),
    "a public key for a shared secret": ("stripe", f"whpk_{PUBLIC_BASE64}", "it is a public key"),
    "a certificate for a shared secret": ("slack", PUBLIC_PEM, "it is a public key"),
    "a public key for a static header": (STATIC, f"whpk_{PUBLIC_BASE64}", "it is a public key"),
    "a topic's name": ("sns", "checks", "it is not the ARN of a topic"),
    "a subscription": ("sns", f"{TOPIC}:6b0e", "it is not the ARN of a topic"),
    "a queue": ("sns", TOPIC.replace("sns", "sqs"), "it is not the ARN of a topic"),
    "all topics": ("sns", TOPIC.replace("checks", "*"), "it is not the ARN of a topic"),
}
TAKEN = {
    "a secret": ("standard-webhooks", WEBHOOK_KEY),
    "a public key": ("standard-webhooks", f"whpk_{PUBLIC_BASE64}"),
    "hex": ("adyen", "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056"),
    "described hex": (HEX, "ab" * 16),
    "described base64": (BASE64, f"key-{base64.b64encode(PUBLIC).decode()}"),
    "a text": ("github", "It's a Secret to Everybody"),
    "a short text": ("twilio", "12345"),
    "a shared secret with its prefix": ("stripe", "whsec_5f3c2b1a"),
    "name and password": (STATIC, "dTpw"),
    "a topic": ("sns", TOPIC),
    "a topic in China": ("sns", "arn:aws-cn:sns:cn-north-1:123456789012:checks.fifo"),
    "anything where nothing is verified": ("none", ""),
}


@pytest.mark.parametrize(("text", "keys"), TEXTS.values(), ids=TEXTS)
def test_a_secret_holds_one_key_or_several(text: str, keys: list[str]) -> None:
    assert keys_of(text) == keys


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE)
def test_a_secret_in_which_nobody_knows_where_a_key_begins_holds_none(text: str) -> None:
    with pytest.raises(KeysRefused, match="the secret ") as refused:
        keys_of(text)
    assert not [word for word in text.split() if len(word) > 6 and word in str(refused.value)]


@pytest.mark.parametrize(("scheme", "key", "hint"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_key_of_its_scheme_is_refused_with_a_hint(scheme: str | Signature, key: str, hint: str) -> None:
    found = judged([key], scheme)
    assert (found.usable, [hint in said for said in found.refused]) == ([], [True])
    assert not [said for said in found.refused if len(key) > 3 and key in said]


@pytest.mark.parametrize(("scheme", "key"), TAKEN.values(), ids=TAKEN)
def test_what_is_a_key_of_its_scheme_is_taken(scheme: str | Signature, key: str) -> None:
    found = judged([key], scheme)
    assert (found.usable, found.refused) == ([key], [])


def test_every_scheme_is_in_the_tables() -> None:
    named = {scheme for scheme, *_ in [*REFUSED.values(), *TAKEN.values()] if isinstance(scheme, str)}
    alike = {name for name, preset in PRESETS.items() if preset.key_encoding is Encoding.UTF8}  # a text is their key
    tried_elsewhere = {"fal", "paypal", "sendgrid", "svix", "telnyx"}  # test_signed_presets.py
    assert named | alike | tried_elsewhere == set(SCHEMES)


def test_a_worker_keeps_the_good_keys_of_a_rotation_and_says_what_is_wrong_with_the_others(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(Environment.WEBHOOK_SECRET, "arn:webhook-key")
    worker.secrets["arn:webhook-key"] = f"whsec_aQ== {WEBHOOK_KEY}"
    assert webhook_keys("standard-webhooks") == [WEBHOOK_KEY]
    said = capsys.readouterr().out
    assert "key 1: it has 1 bytes" in said
    assert "aQ==" not in said
    for text in (*UNREADABLE.values(), "", "whsec_aQ=="):
        worker.secrets["arn:webhook-key"] = text
        with pytest.raises(KeysRefused):
            webhook_keys("standard-webhooks")
        assert webhook_keys("none") == []
