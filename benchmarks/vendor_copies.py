"""Vendors that differ by their names alone: copies of the example's contract, with its callback and its poll."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import yaml
from headway_cdk.resources import EXAMPLE_CONFIGURATION

from headway.testing.laboratory import VENDOR


def copy_names(count: int, first: int = 1) -> Sequence[str]:
    """Return names for so many copies, in the order of their files."""
    return [f"vendor-{number:03d}" for number in range(first, first + count)]


def contract_file(configuration: Path, name: str) -> Path:
    """Return where a vendor's contract is."""
    return configuration / "vendors" / f"{name}.yaml"


def write_copies(configuration: Path, names: Iterable[str], **changes: object) -> None:
    """Write a contract for each name; `changes` are fields that all have instead of the example's."""
    contract = yaml.safe_load(contract_file(EXAMPLE_CONFIGURATION, VENDOR).read_text())
    for name in names:
        path = contract_file(configuration, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump({**contract, **changes, "vendor": name}))
