"""A number as a stranger wrote it: what is an ID has more digits than a float, and `1.10` is not `1.1`."""

from typing import Self


class Written(float):
    """A number of JSON with a point or an exponent, and its text."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Self:
        """Read a number of JSON."""
        self = super().__new__(cls, text)
        self.text = text
        return self
