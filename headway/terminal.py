"""What comes from outside goes to a terminal as text: never as markup, never as a sequence that the terminal obeys.

A job ID, a cause or a reason is written by a stranger. Commands print by `say` and `console` only.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, cast

import typer

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderHook, RenderResult

_OBEYED: Final = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ufeff\\ud800-\\udfff]"
)
"""Control characters but tab and line feed, what turns the direction of writing, and halves of surrogate pairs, which
no terminal's encoding has.
"""


def plain(text: str) -> str:
    r"""Return a text that a terminal shows and does not obey: what it would obey is written as an escape, `\x1b`."""
    return _OBEYED.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def say(text: str, *, err: bool = False) -> None:
    """Print a line."""
    typer.echo(plain(text), err=err)


def console(*, stderr: bool = False) -> "Console":
    """Return a console for tables and styles. Texts are no markup to it: who wants a style makes a `Text`."""
    from rich.console import Console  # commands that print a line need not wait for it

    made = Console(stderr=stderr, markup=False, emoji=False, highlight=False)
    made.push_render_hook(cast("RenderHook", _Plainly()))
    return made


@contextmanager
def spinning(on: "Console", phrase: str) -> Iterator[Callable[[str], None]]:
    """Show a spinner beside the phrase that the yielded function was given last."""
    from rich.text import Text  # a text alone would be taken for markup

    with on.status(Text(phrase)) as spinner:
        yield lambda said: spinner.update(Text(plain(said)))


class _Plainly:
    """A render hook of rich, which is imported where it is used."""

    def process_renderables(self, renderables: "Sequence[ConsoleRenderable]") -> "list[ConsoleRenderable]":
        return [_Plain(renderable) for renderable in renderables]


class _Plain:
    """What renders as another does, with plain texts."""

    def __init__(self, renderable: "ConsoleRenderable") -> None:
        self._renderable = renderable

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "RenderResult":
        from rich.segment import Segment

        for segment in console.render(self._renderable, options):
            yield segment if segment.control else Segment(plain(segment.text), segment.style)
