"""Verifying that a callback comes from the vendor (hop 10): the scheme that a contract names or describes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from headway_lane.contract.signature import PRESETS, Signature
from headway_lane.verification import adyen, signature, sns, standard_webhooks
from headway_lane.verification.proof import hex_key


class Verify(Protocol):
    """Checks a raw body; Forged says what was wrong."""

    def __call__(
        self, body: bytes, headers: Mapping[str, str], keys: Sequence[str], received_epoch_s: float, url: str = ""
    ) -> None:
        """Return where one of `keys` verifies; header names are lower case, `received_epoch_s` is when it came in, and
        `url` where: the callback URL as the vendor was told it.
        """
        ...


@dataclass(frozen=True, slots=True)
class Scheme:
    """A way of verifying: the headers that the callback API has to pass on, the check, and what a key is.

    `key` reads one, and raises ValueError with a hint where it is none; it is None where nothing is verified.
    """

    headers: tuple[str, ...]
    verify: Verify
    key: Callable[[str], bytes] | None


def scheme_of(verification: str | Signature) -> Scheme:
    """Return the scheme that a contract names, or describes itself."""
    if isinstance(verification, Signature):
        return Scheme(
            verification.headers,
            partial(signature.check, verification),
            partial(signature.key_of, verification),
        )
    return SCHEMES[verification]


def _unverified(
    body: bytes, headers: Mapping[str, str], keys: Sequence[str], received_epoch_s: float, url: str = ""
) -> None:
    """Take every callback: the contract says that this vendor has no way of signing."""


SCHEMES: Final[Mapping[str, Scheme]] = {
    "adyen": Scheme((), adyen.verify, hex_key),
    "none": Scheme((), _unverified, None),
    "sns": Scheme((), sns.verify, sns.topic),
    "standard-webhooks": Scheme(standard_webhooks.HEADERS, standard_webhooks.verify, standard_webhooks.key_of),
    **{name: scheme_of(preset) for name, preset in PRESETS.items()},
}
