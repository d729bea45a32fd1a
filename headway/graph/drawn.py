"""What every part of the SVG is written with: escaped texts, short numbers, and how wide a text is about to be."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from headway.graph.layout import Point, Size

NAME_FONT: Final = 14.0
SMALL_FONT: Final = 11.5
"""Pixels; the style sheet has the same."""

_NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_WIDE: Final = 0.92
_CAPITAL: Final = 0.7
_NARROW: Final = 0.31
_USUAL: Final = 0.565
_FULL: Final = 1.05
"""Widths of characters in parts of the font's size, a little above those of usual sans-serif fonts."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A finished piece of a picture at the origin, and its size."""

    size: Size
    parts: Sequence[str]


def text(words: str) -> str:
    """Escape a text; what XML has no character for is left out."""
    return escape(_NOT_XML.sub("", words))


def text_at(names: str, at: Point, words: str) -> str:
    """Write a line of text of some classes; nothing where it is empty."""
    named = f' class="{names}"' if names else ""
    return f'<text{named} x="{n(at[0])}" y="{n(at[1])}">{text(words)}</text>' if words else ""


def rectangle(names: str, middle: Point, size: Size, radius: float) -> str:
    """Draw a rectangle around a middle."""
    left, top = middle[0] - size.width / 2, middle[1] - size.height / 2
    measures = f'x="{n(left)}" y="{n(top)}" width="{n(size.width)}" height="{n(size.height)}"'
    return f'<rect class="{names}" {measures} rx="{n(radius)}"/>'


def n(value: float) -> str:
    """Write a number of pixels."""
    return f"{value:.1f}".removesuffix(".0")


def at(point: Point) -> str:
    """Write a point."""
    return f"{n(point[0])},{n(point[1])}"


def text_width(words: str, font_px: float) -> float:
    """Return about how wide a line is, rather too wide: nobody here has the viewer's font."""
    return sum(map(_em, words)) * font_px


def _em(character: str) -> float:
    if ord(character) >= ord("\u1100"):  # Korean, Chinese, Japanese and most signs are as wide as high
        return _FULL
    if character in "mwMW@%\u2014":
        return _WIDE
    if character in "iljtfrI.,:;'|!()[] ":
        return _NARROW
    return _CAPITAL if character.isupper() else _USUAL
