"""What pacing asks of whoever runs it (hop 4): the core decides and waits for answers, and does no I/O itself.

A piece of pacing is a generator. It yields steps, is sent their answers, and returns what came of it. The functions run
it with a table, a clock and real sleeps (`limiter.runner`); the simulation and the tests run the same generators on a
virtual clock (`headway.simulation.virtual_time`).
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, NamedTuple, TypeVar

from headway_lane.limiter.core.reservations import Reservations
from headway_lane.limiter.core.rule import Rule
from headway_lane.limiter.core.share import Share


class StandingRule(NamedTuple):
    """A rule that somebody's configuration asks for, and until when it stands where nobody asks for it again; or the
    rule of a limit that the vendor has `announced`: so many calls in so many microseconds.
    """

    rule: Rule
    until_us: int
    announced: tuple[int, int] | None = None


class Entry(NamedTuple):
    """Reservations as stored: the version counts the writes, `rule` is the rule under which they were written, and
    `standing` are the rules that were asked for lately, which it keeps all.
    """

    version: int
    rule: Rule
    reservations: Reservations
    standing: tuple[StandingRule, ...] = ()


class Mark(Enum):
    """Answers and arguments that are no value."""

    LOST = "somebody else has written meanwhile"
    UNREAD = "not read yet"


LOST: Final = Mark.LOST
UNREAD: Final = Mark.UNREAD

Decide = Callable[[Entry | None, int], tuple[Entry | None, Any]]
"""What is stored and the clock at that moment -> what to store instead (None: nothing), and what comes of it."""


@dataclass(frozen=True, slots=True)
class Look:
    """Read what is stored, consistently. Answer: Entry, or None before the first use."""


@dataclass(frozen=True, slots=True)
class Change:
    """Read, decide, and write unless somebody else has written in between. Answer: what `decide` returned, or LOST.

    Where the reservations have just been `seen`, they are not read again.
    """

    decide: Decide
    seen: Entry | Mark | None = UNREAD


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait until one's own clock shows `until_us`; no time at all where it does already. Answer: None."""

    until_us: int


@dataclass(frozen=True, slots=True)
class Ready:
    """Do what has to be done before one leaves, while there is still time for it: the slot is known and near, or is
    about to be reserved. Answer: None.
    """


@dataclass(frozen=True, slots=True)
class LookForRoom:
    """See whether another job may be in flight. Answer: bool, True where nobody limits them."""


@dataclass(frozen=True, slots=True)
class Enter:
    """Take the in-flight permit of one's call, which may hold it already. Answer: bool."""


@dataclass(frozen=True, slots=True)
class AwaitSlot:
    """Wait until the first free slot comes within the horizon of whoever has this share, and look again at that moment,
    as long as it is at most `longest_us` ahead and not after `latest_us`. Answer: Sight, where one of both holds.
    """

    horizon_us: int
    share: Share
    longest_us: int
    latest_us: int


class Sight(NamedTuple):
    """What was seen last by who awaited a slot: `at_us` is when it comes within the horizon, on one's own clock."""

    entry: Entry | None
    at_us: int
    waited: bool


Step = Look | Change | Sleep | Ready | LookForRoom | Enter | AwaitSlot
T = TypeVar("T")
Steps = Generator[Step, Any, T]

LOOK: Final = Look()
READY: Final = Ready()
ROOM: Final = LookForRoom()
ENTER: Final = Enter()
