"""What cannot be undone is asked about, once, unless somebody has agreed beforehand."""

import sys

import typer

from headway.errors import OperationRefused


def agree(question: str, *, yes: bool, can_ask: bool = True) -> None:
    """Ask. Raises OperationRefused where the answer is no, or where nobody can be asked and `--yes` was not given."""
    if yes:
        return
    if not can_ask or not sys.stdin.isatty():
        raise OperationRefused(f"{question}: give --yes to do it without being asked")
    if not typer.confirm(question, err=True):
        raise OperationRefused("nothing was changed")
