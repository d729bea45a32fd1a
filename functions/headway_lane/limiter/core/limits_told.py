"""The limits that an answer tells of in its headers (hop 4): headers in, limits out. Pure.

A header is known by the words of its name: `x-ratelimit-remaining-requests`, `anthropic-ratelimit-requests-reset`,
`X-Rate-Limit-Reset`; those with the same other words are one limit. Values are numbers and times, JSON, or the lists of
the IETF's drafts (`"burst";r=0;t=5`, `limit=10, remaining=0, reset=5`, `100;w=60`). A contract that names headers is
obeyed instead.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from headway_lane.contract.limit_headers import LimitHeaders
from headway_lane.limiter.core.spans import MILLISECOND_S, number, span_s

LIMITS_LIMIT: Final = 16
"""So many limits of one answer are looked at."""


@dataclass(frozen=True, slots=True)
class LimitTold:
    """A limit as told: what is left of it, when it is renewed (seconds from now), and how many calls it allows in
    `per_s` seconds; each None where nothing is said, or nothing that can be read. `unread` says that a reset is there
    which is no time; `of_calls` that it counts calls, and not tokens or bytes. `name` is what
    the vendor calls it, empty where it does not.
    """

    left: float | None = None
    reset_s: float | None = None
    amount: float | None = None
    per_s: float | None = None
    unread: bool = False
    of_calls: bool = True
    name: str = ""


class _Role(StrEnum):
    LEFT = "left"
    RESET = "reset"
    AMOUNT = "amount"
    PER = "per"
    OTHER = "other"


_ROLES: Final = {
    "remaining": _Role.LEFT,
    "left": _Role.LEFT,
    "available": _Role.LEFT,
    "reset": _Role.RESET,
    "resets": _Role.RESET,
    "until": _Role.RESET,
    "limit": _Role.AMOUNT,
    "max": _Role.AMOUNT,
    "interval": _Role.PER,
    "window": _Role.PER,
    "period": _Role.PER,
    "used": _Role.OTHER,
    "policy": _Role.OTHER,
}
_WINDOWS_S: Final = {
    "second": 1.0,
    "minute": 60.0,
    "hour": 3_600.0,
    "day": 86_400.0,
    "hourly": 3_600.0,
    "daily": 86_400.0,
    "secondly": 1.0,
}
_FILLING: Final = frozenset({"x", "after", "at", "in", "time", "seconds", "sec", "s"})
_MILLISECONDS: Final = frozenset({"ms", "milliseconds", "msec"})
_NOT_CALLS: Final = re.compile(
    r"(token|byte|char|credit|point|cost|unit|image|page|audio|neuron|job|concurren)", re.IGNORECASE
)
_FAMILY: Final = re.compile(r"(?:^|[-_])rate[-_]?limits?(?:$|[-_])")
_WORDS: Final = re.compile(r"[a-z]+")
_MARKS: Final = re.compile(r"[,;=]")
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')


def limits_told(said: Mapping[str, str], named: Sequence[LimitHeaders], now_s: float) -> Sequence[LimitTold]:
    """Return the limits of an answer; names of headers in `said` are in lower case. A limit of which only what it
    allows is told has neither `left` nor `reset_s`.
    """
    if named:
        return [_named(said, each, now_s) for each in named]
    flat: dict[str, LimitTold] = {}
    lists: list[LimitTold] = []
    policies: list[LimitTold] = []
    for name, value in said.items():
        family = _FAMILY.search(name)
        if not family:
            continue
        words = _WORDS.findall(f"{name[: family.start()]} {name[family.end() :]}")
        if value.lstrip().startswith(("{", "[")):
            lists.extend(_of_json(value, now_s))
        elif "policy" in words or (";" in value and "w=" in value):
            policies.extend(_policies(value))
        elif not any(word in _ROLES for word in words):
            lists.extend(_of_list(value, now_s))
        else:
            _add(flat, words, value, now_s)
    return _joined([*lists, *flat.values()], policies)[:LIMITS_LIMIT]


def _joined(limits: Sequence[LimitTold], policies: Sequence[LimitTold]) -> list[LimitTold]:
    """Return all limits; a policy whose state is told elsewhere, under its name or with its amount, takes it."""
    rest = list(limits)
    for policy in policies:
        same = (at for at, each in enumerate(rest) if _same(each, policy))
        at = next(same, None)
        if at is None:
            rest.append(policy)
        else:
            rest[at] = replace(rest[at], amount=policy.amount, per_s=policy.per_s, of_calls=policy.of_calls)
    return rest


def _same(told: LimitTold, policy: LimitTold) -> bool:
    by_name = policy.name and told.name == policy.name
    return bool(by_name) or (told.per_s is None and told.amount is not None and told.amount == policy.amount)


def _named(said: Mapping[str, str], names: LimitHeaders, now_s: float) -> LimitTold:
    reset, left, amount = (said.get(name) if name else None for name in (names.reset, names.remaining, names.amount))
    reset_s = None if reset is None else span_s(reset, now_s, names.unit_s)
    return LimitTold(
        left=None if left is None else number(left),
        reset_s=reset_s,
        amount=None if amount is None else number(amount),
        per_s=names.per_s,
        unread=reset is not None and reset_s is None,
    )


def _add(limits: dict[str, LimitTold], words: Sequence[str], value: str, now_s: float) -> None:
    """Add one header, or one field, to the limit that its other words name."""
    role = next((_ROLES[word] for word in words if word in _ROLES), _Role.OTHER)
    key = " ".join(word for word in words if word not in _ROLES and word not in _FILLING and word not in _MILLISECONDS)
    windows_s = [_WINDOWS_S[word] for word in words if word in _WINDOWS_S]
    unit_s = MILLISECOND_S if any(word in _MILLISECONDS for word in words) else 1.0
    told = limits.get(key, LimitTold(per_s=windows_s[0] if windows_s else None, of_calls=not _NOT_CALLS.search(key)))
    limits[key] = _with(told, role, value, now_s, unit_s)


def _with(told: LimitTold, role: _Role, value: str, now_s: float, unit_s: float) -> LimitTold:
    match role:
        case _Role.LEFT:
            return replace(told, left=number(value))
        case _Role.AMOUNT:
            return replace(told, amount=number(value))
        case _Role.PER:
            return replace(told, per_s=span_s(value, 0.0, unit_s))
        case _Role.RESET:
            reset_s = span_s(value, now_s, unit_s)
            if reset_s is None:
                return replace(told, unread=told.reset_s is None)
            return replace(told, reset_s=max(reset_s, told.reset_s or 0.0), unread=False)
    return told


def _of_json(value: str, now_s: float) -> Iterator[LimitTold]:
    """Yield the limits of a JSON object, or of each in a list."""
    try:
        read: Any = json.loads(value)
    except (ValueError, RecursionError):
        yield LimitTold(unread=True)
        return
    for each in (read if isinstance(read, list) else [read])[:LIMITS_LIMIT]:
        limits: dict[str, LimitTold] = {}
        for name, field in each.items() if isinstance(each, dict) else ():
            words = _WORDS.findall(name.lower())
            if isinstance(field, str | int | float) and any(word in _ROLES for word in words):
                _add(limits, words, str(field), now_s)
        yield from limits.values()


def _of_list(value: str, now_s: float) -> Iterator[LimitTold]:
    """Yield the limits of the IETF's drafts: each item its own, or all fields together one."""
    together: dict[str, str] = {}
    for name, fields in _items(value):
        if "r" in fields or "t" in fields:
            yield _state(fields.get("r"), fields.get("t"), now_s, name)
        together |= fields
    if "remaining" in together or "reset" in together:
        yield _state(together.get("remaining"), together.get("reset"), now_s)


def _state(left: str | None, reset: str | None, now_s: float, name: str = "") -> LimitTold:
    told = LimitTold(left=None if left is None else number(left), name=name)
    return told if reset is None else _with(told, _Role.RESET, reset, now_s, 1.0)


def _policies(value: str) -> Iterator[LimitTold]:
    """Yield what policies allow: `"burst";q=100;w=60`, and `100;w=60` of older drafts."""
    for name, fields in _items(value):
        yield LimitTold(
            amount=number(fields.get("q", name)),
            per_s=number(fields.get("w", "")),
            of_calls=fields.get("qu", "requests") == "requests" and not _NOT_CALLS.search(name),
            name=name,
        )


def _items(value: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the name and the fields of each item of a structured list, or of what looks like one."""
    for item in _QUOTED.sub(lambda quoted: _MARKS.sub("_", quoted[1]), value).split(","):
        pairs = (part.partition("=") for part in item.split(";"))
        yield item.partition(";")[0].strip(), {name.strip().lower(): text.strip() for name, _, text in pairs}
