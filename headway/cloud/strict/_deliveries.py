"""What a standard queue may do with deliveries, drawn from a seed; nothing of the emulator is imported.

HEADWAY_SQS sets it, with blanks between the parts: `seed=7 partial=0.5 duplicate=0.1 disorder=0.2`. The ratios are
between 0 and 1; what is left out has its default, and `partial=0 duplicate=0 disorder=0` is a queue that is exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from random import Random
from typing import Self, TypeVar

from headway.cloud.strict._variables import DELIVERIES_VARIABLE
from headway.errors import UsageProblem

Message = TypeVar("Message")


@dataclass(frozen=True, slots=True)
class Deliveries:
    """How often a queue is inexact: AWS names no ratios, so these are few enough to cost a laptop little."""

    seed: int = 1
    partial: float = 0.1
    """Of the receives without a wait: they see about half of what is visible."""
    duplicate: float = 0.01
    """Of the messages received: they can be received again at once, although they are in flight."""
    disorder: float = 0.1
    """Of the receives: what half of the servers hold comes first."""

    @classmethod
    def of(cls, words: str) -> Self:
        """Read the variable's value. Raises UsageProblem for what it does not know."""
        ratios: dict[str, float] = {}
        seed = cls().seed
        try:
            for word in words.split():
                name, value = word.split("=")
                if name == "seed":
                    seed = int(value)
                else:
                    ratios[name] = float(value)
            if not all(0 <= ratio <= 1 for ratio in ratios.values()):
                raise ValueError  # noqa: TRY301 - one answer for all that is wrong
            return cls(seed=seed, **ratios)
        except (TypeError, ValueError):
            known = " ".join(f"{field.name}={field.default}" for field in fields(cls))
            raise UsageProblem(
                f"{DELIVERIES_VARIABLE} is `{words}`; it is like `{known}`, ratios from 0 to 1"
            ) from None

    def of_queue(self, name: str) -> Random:
        """Return the draws of one queue: the same queue with the same receives sees the same again."""
        return Random(f"{self.seed} {name}")  # noqa: S311 - to be repeated is the point

    def seen(self, draws: Random, messages: Sequence[Message], *, waits: bool) -> Sequence[Message]:
        """Return which messages a receive sees, in which order. Whoever `waits` asks all servers, so sees all."""
        if not waits and draws.random() < self.partial:
            return _halves(draws, messages)[0]
        if draws.random() < self.disorder:
            first, second = _halves(draws, messages)
            return [*first, *second]
        return messages


def _halves(draws: Random, messages: Sequence[Message]) -> tuple[list[Message], list[Message]]:
    halves: tuple[list[Message], list[Message]] = ([], [])
    for message in messages:
        halves[draws.getrandbits(1)].append(message)
    return halves
