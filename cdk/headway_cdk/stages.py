"""Stages of a deployment (`test`, `prod`), and what each has of a contract that several of them share. Pure."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

DEFAULT_STAGE: Final = "dev"
STAGE_PATTERN: Final = r"^[a-z][a-z0-9]{0,11}$"
"""It stands in names of stacks, machines and roles; `vendor.schema.json` has the same."""
SHARES: Final = "shares"


class StageUnshared(ValueError):  # noqa: N818 - what happened
    """The stages of a contract do not name the one that was asked for."""


def contract_of(document: Mapping[str, Any], stage: str) -> Mapping[str, Any]:
    """Return the contract of a stage: its share of every limit, rounded down, and no `shares`.

    Without `shares` each stage has the whole contract. Raises StageUnshared.
    """
    shares = document.get(SHARES)
    if shares is None:
        return document
    if stage not in shares:
        raise StageUnshared(
            f"`{SHARES}` do not name the stage {stage!r}, but {', '.join(shares)};"
            f" add `{stage}` with its share, or choose one of these stages"
        )
    limits = [{**limit, "amount": amount_of(limit["amount"], shares[stage])} for limit in document["limits"]]
    return {name: value for name, value in document.items() if name != SHARES} | {"limits": limits}


def amount_of(amount: int, share: float) -> int:
    """Return what a share leaves of an amount, rounded down: 29 of 100 for 0.29, which is no binary fraction."""
    return int(amount * exact(share))


def exact(share: float) -> Fraction:
    """Return a share as it is written."""
    return Fraction(str(share))
