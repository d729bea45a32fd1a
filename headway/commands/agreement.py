"""What cannot be undone is asked about, once, unless somebody has agreed beforehand."""

import sys
from typing import Annotated

import typer

from headway.errors import Refused

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def agree(question: str, *, yes: bool, can_ask: bool = True) -> None:
    """Ask. Raises Refused where the answer is no, or where nobody can be asked: then `--yes` has to be given."""
    if yes:
        return
    if not can_ask or not sys.stdin.isatty():
        raise Refused(f"{question}: give --yes to do it without being asked")
    if not typer.confirm(question, err=True):
        raise Refused("nothing was changed")
