"""The ways of signing that have a name: one file each in `signatures/`, with its source; read when asked for."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from headway_lane.contract.signature import Signature

FOLDER: Final = Path(__file__).parent / "signatures"


class Presets(Mapping[str, Signature]):
    """Name -> description; nothing is read before somebody asks."""

    def __getitem__(self, name: str) -> Signature:
        """Return a preset; KeyError where there is none of that name."""
        if name not in _names():
            raise KeyError(name)
        return Signature.from_document(_document(name))

    def __iter__(self) -> Iterator[str]:
        return iter(_names())

    def __len__(self) -> int:
        return len(_names())


PRESETS: Final = Presets()


def described(said: str | Mapping[str, Any]) -> str | Signature:
    """Return what a contract says of a signature: by the name of a preset, by one with changes (`preset`), or whole.

    A name that is no preset is that of a scheme with code of its own.
    """
    if isinstance(said, str):
        return PRESETS.get(said, said)
    changes = {name: value for name, value in said.items() if name != "preset"}
    return Signature.from_document({**_document(said["preset"]), **changes} if "preset" in said else changes)


@cache
def _names() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in FOLDER.glob("*.json")))


@cache
def _document(name: str) -> Mapping[str, Any]:
    document: Mapping[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))["verification"]
    return document
