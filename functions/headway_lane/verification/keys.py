"""The keys of webhooks, from Secrets Manager: several may be valid at once, so that they can be changed.

A key is judged by the scheme that the contract names: what is no key of it verifies nothing, and is refused with a hint
where it is read. No hint quotes anything of a secret.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from headway_lane.contract.signature import Signature
from headway_lane.runtime.errors import KeysRefused
from headway_lane.runtime.names import Environment
from headway_lane.runtime.observability import logger
from headway_lane.runtime.secrets import secret
from headway_lane.runtime.settings import setting
from headway_lane.verification.proof import MOST_KEYS
from headway_lane.verification.schemes import scheme_of

_JSON_BEGINNINGS: Final = ("{", "[", '"')
_PEM_BEGINNING: Final = "-----BEGIN "
_PEM: Final = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----[^-]+-----END \1-----", re.ASCII)
"""One behind the other, as files of certificates have them."""
_WORD: Final = re.compile(r"[A-Za-z']{1,15}[:=]?", re.ASCII)
"""What stands before a key (`Bearer`), or is a part of one that has white space in it. Vendors make longer keys, or
keys with digits.
"""


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of a secret that can be used, newest first, and what is wrong with the others."""

    usable: Sequence[str] = field(repr=False)
    refused: Sequence[str]


def webhook_keys(verification: str | Signature) -> Sequence[str]:
    """Return the vendor's webhook keys, the newest first, so that two may be valid during a rotation.

    Raises KeysRefused where none can be used.
    """
    text = secret(setting(Environment.WEBHOOK_SECRET))
    if scheme_of(verification).key is None:
        return []
    keys = judged(keys_of(text), verification)
    if not keys.usable:
        raise KeysRefused(f"the secret has no webhook key: {'; '.join(keys.refused) or 'it is empty'}")
    if keys.refused:
        logger().warning("webhook key refused", hints=keys.refused)
    return keys.usable


def judged(keys: Sequence[str], verification: str | Signature) -> Keys:
    """Part keys of the scheme from what are none, with a hint for each."""
    read = scheme_of(verification).key
    if read is None:
        return Keys(keys, [])
    usable, refused = [], []
    for number, key in enumerate(keys, start=1):
        try:
            read(key)
        except ValueError as hint:
            refused.append(f"key {number}: {hint}")
        else:
            usable.append(key)
    return Keys(usable, refused)


def keys_of(text: str) -> list[str]:
    """Return the keys in the text of a secret: PEMs, a JSON list of texts, else what white space parts.

    Raises KeysRefused where nobody knows where a key begins or ends.
    """
    text = text.strip()
    if text.startswith(_PEM_BEGINNING):
        keys = [part[0] for part in _PEM.finditer(text)]
        if _PEM.sub("", text).strip():
            raise KeysRefused("the secret has something between or behind its PEMs; leave the PEMs alone")
    else:
        keys = _listed(text) if text.startswith(_JSON_BEGINNINGS) else _parted(text)
    if len(keys) > MOST_KEYS:
        raise KeysRefused(f"the secret has {len(keys)} webhook keys; leave {MOST_KEYS} at most")
    return keys


def _parted(text: str) -> list[str]:
    keys = text.split()
    if len(keys) > 1 and any(_WORD.fullmatch(key) for key in keys):
        raise KeysRefused(
            "the secret has a word beside white space, so that nobody knows where a key begins: write the key alone"
            " (what stands before it, such as `Bearer`, is `prefix` in the contract), or, where it has white space in"
            ' it, a JSON list: ["the key"]'
        )
    return keys


def _listed(text: str) -> list[str]:
    try:
        keys = json.loads(text)
    except (ValueError, RecursionError):
        keys = None
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise KeysRefused(
            'the secret begins as JSON does, and is no list of texts: write the key alone, or ["newest", "older"]'
        )
    return keys
