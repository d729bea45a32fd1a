"""The keys of webhooks, from Secrets Manager: several may be valid at once, so that they can be changed."""

import json

from aws_lambda_powertools.utilities import parameters

from headway_lane.runtime.names import Environment
from headway_lane.runtime.settings import setting
from headway_lane.vendor_api.proxy import SECRET_MAX_AGE_S


def webhook_keys(vendor: str) -> list[str]:
    """Return a vendor's webhook keys, the newest first, so that two may be valid during a rotation."""
    secrets: dict[str, str] = json.loads(setting(Environment.WEBHOOK_SECRETS))
    return keys_of(str(parameters.get_secret(secrets[vendor], max_age=SECRET_MAX_AGE_S)))


def keys_of(secret: str) -> list[str]:
    """Return the keys of a secret: a JSON list of texts, else what white space parts."""
    try:
        keys = json.loads(secret)
    except ValueError:
        return secret.split()
    return keys if isinstance(keys, list) and all(isinstance(key, str) for key in keys) else secret.split()
