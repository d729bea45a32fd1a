"""The words of a contract with which a simulated vendor answers and calls back: the first of each list."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headway.simulator.jobs import Status


@dataclass(frozen=True, slots=True)
class CallbackWords:
    """The first status of each of the callback's lists; None where a list is empty."""

    success: str | None
    failure: str | None
    progress: str | None

    @classmethod
    def of(cls, contract: Mapping[str, Any]) -> "CallbackWords":
        """Read a contract document: the model has sets, which have no first."""
        callback = contract.get("callback", {})
        return cls(*(next(iter(callback.get(name, ())), None) for name in ("success", "failure", "progress")))


def polled_words(poll: Mapping[str, Any]) -> dict[Status, str]:
    """Return the words with which a poll is answered: the first of each of the contract's lists."""
    lists = {
        Status.STARTING: poll.get("pending", ()),
        Status.PROCESSING: poll.get("pending", ()),
        Status.SUCCEEDED: poll.get("success", ()),
        Status.FAILED: poll.get("failure", ()),
    }
    return {status: words[0] for status, words in lists.items() if words}
