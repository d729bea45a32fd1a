"""The keys of webhooks, from Secrets Manager: several may be valid at once, so that they can be changed."""

import json

from headway_lane.runtime.names import Environment
from headway_lane.runtime.secrets import secret
from headway_lane.runtime.settings import setting


def webhook_keys() -> list[str]:
    """Return the vendor's webhook keys, the newest first, so that two may be valid during a rotation."""
    return keys_of(secret(setting(Environment.WEBHOOK_SECRET)))


def keys_of(text: str) -> list[str]:
    """Return the keys in the text of a secret: a JSON list of texts, else what white space parts."""
    try:
        keys = json.loads(text)
    except ValueError:
        return text.split()
    return keys if isinstance(keys, list) and all(isinstance(key, str) for key in keys) else text.split()
