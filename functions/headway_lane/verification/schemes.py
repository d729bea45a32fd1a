"""Verifying that a callback comes from the vendor (hop 10): the scheme that a contract names or describes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from headway_lane.contract.signature import Signature
from headway_lane.contract.signature_presets import PRESETS
from headway_lane.verification import adyen, signature, sns, standard_webhooks
from headway_lane.verification.proof import hex_key

_NO_QUERY: Final[Mapping[str, str]] = {}


class Verify(Protocol):
    """Checks a raw body; Forged says what was wrong."""

    def __call__(
        self,
        body: bytes,
        headers: Mapping[str, str],
        keys: Sequence[str],
        received_epoch_s: float,
        url: str = "",
        *,
        query: Mapping[str, str] = _NO_QUERY,
    ) -> None:
        """Return where one of `keys` verifies; header names are lower case, `received_epoch_s` is when it came in, and
        `url` where: the callback URL as the vendor was told it; `query` are the values behind it.
        """
        ...


@dataclass(frozen=True, slots=True)
class Scheme:
    """A way of verifying: the headers that the callback API has to pass on, the check, and what a key is; and which
    values of the query it has to pass on, too.

    `key` reads one, and raises ValueError with a hint where it is none; it is None where nothing is verified.
    """

    headers: tuple[str, ...]
    verify: Verify
    key: Callable[[str], bytes] | None
    query: tuple[str, ...] = ()


def scheme_of(verification: str | Signature) -> Scheme:
    """Return the scheme that a contract names, or describes itself."""
    if isinstance(verification, Signature):
        return Scheme(
            verification.headers,
            partial(signature.check, verification),
            partial(signature.key_of, verification),
            verification.query,
        )
    return SCHEMES[verification]


def _unverified(
    body: bytes,
    headers: Mapping[str, str],
    keys: Sequence[str],
    received_epoch_s: float,
    url: str = "",
    query: object = None,
) -> None:
    """Take every callback: the contract says that this vendor has no way of signing."""


_OF_CODE: Final[Mapping[str, Scheme]] = {
    "adyen": Scheme((), adyen.verify, hex_key),
    "none": Scheme((), _unverified, None),
    "sns": Scheme((), sns.verify, sns.topic),
    "standard-webhooks": Scheme(
        (*standard_webhooks.HEADERS, *standard_webhooks.OLDER_HEADERS),
        standard_webhooks.verify,
        standard_webhooks.key_of,
    ),
}


class Schemes(Mapping[str, Scheme]):
    """All that have a name, those of code and those of a preset's file."""

    def __getitem__(self, name: str) -> Scheme:
        """Return a scheme; KeyError where none has that name."""
        return _OF_CODE[name] if name in _OF_CODE else scheme_of(PRESETS[name])

    def __iter__(self) -> Iterator[str]:
        return iter((*_OF_CODE, *PRESETS))

    def __len__(self) -> int:
        return len(_OF_CODE) + len(PRESETS)


SCHEMES: Final = Schemes()
