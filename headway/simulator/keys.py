"""The secrets shared with a vendor: the simulator checks them, the deploy step hands them to the functions.

They live in one file of the state directory, readable by its owner only, and are made at random on first use.
"""

import base64
import json
import secrets
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

from headway_lane.contract.signature import Encoding, Signature

from headway.errors import KeysUnreadable

FILE_NAME = "vendor-keys.json"


@dataclass(frozen=True, slots=True)
class VendorKeys:
    """What proves a caller to the vendor, and the vendor to us. Kept out of `repr`, so out of logs and tracebacks."""

    api_token: str = field(repr=False)
    webhook_secret: str = field(repr=False)  # Standard Webhooks: whsec_ and base64

    def webhook_key(self, verification: str | Signature) -> str:
        """Return the webhook secret as a way of signing wants its key written."""
        secret = self.webhook_secret.removeprefix("whsec_")
        if verification == "adyen" or (
            isinstance(verification, Signature) and verification.key_encoding is Encoding.HEX
        ):
            return base64.b64decode(secret).hex()
        if isinstance(verification, Signature) and verification.key_encoding in (
            Encoding.BASE64,
            Encoding.BASE64URL,
        ):
            return verification.key_prefix + secret
        return self.webhook_secret

    @classmethod
    def generate(cls) -> "VendorKeys":
        """Make new random keys."""
        return cls(
            api_token=f"hw_{secrets.token_hex(20)}",
            webhook_secret=f"whsec_{base64.b64encode(secrets.token_bytes(24)).decode()}",
        )


def load_or_create(state_dir: Path, vendor: str) -> VendorKeys:
    """Return the keys of `vendor`, making and storing them (mode 0600) if it has none yet."""
    path = state_dir / FILE_NAME
    stored = _read(path)
    if vendor in stored:
        try:
            return VendorKeys(**stored[vendor])
        except TypeError:
            raise KeysUnreadable(
                f"{path}: {vendor!r} needs exactly api_token and webhook_secret; remove it to have new keys made"
            ) from None
    keys = VendorKeys.generate()
    _write(path, {**stored, vendor: asdict(keys)})
    return keys


def _read(path: Path) -> dict[str, dict[str, str]]:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:
        raise KeysUnreadable(f"{path}: not valid JSON; remove it to have new keys made") from None
    if not isinstance(stored, dict) or not all(isinstance(entry, dict) for entry in stored.values()):
        raise KeysUnreadable(f"{path}: not an object of vendors; remove it to have new keys made")
    return stored


def _write(path: Path, stored: dict[str, dict[str, str]]) -> None:
    """Replace the file in one step; the temporary file is born with mode 0600, so no reader gets in between."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=FILE_NAME, delete=False, encoding="utf-8") as draft:
        json.dump(stored, draft, indent=2)
    Path(draft.name).replace(path)
