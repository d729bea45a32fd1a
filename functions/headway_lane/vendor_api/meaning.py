"""What an answer of the vendor means (hops 5, 6 and 11): the first rule of its contract that it meets."""

from typing import Any, Final, NamedTuple

import httpx

from headway_lane.contract import paths
from headway_lane.contract.answers import AnswerRule, Rules
from headway_lane.messages import json_text

SEARCHED_LENGTH: Final = 65_536
"""Characters of a body in which a rule without a place looks for its texts."""


class Met(NamedTuple):
    """The rule that an answer meets, and the vendor's own word for that: what is at its place, or the code."""

    rule: AnswerRule
    word: str


def met(rules: Rules, answer: httpx.Response) -> Met | None:
    """Return the first rule that an answer meets; None where it meets none."""
    return next((Met(rule, word) for rule in rules if (word := _word(rule, answer)) is not None), None)


def at(answer: httpx.Response, path: str) -> Any:
    """Return what is at a path of a JSON answer; None where nothing is, or it is no JSON."""
    try:
        return paths.read(json_text.read(answer.content), path)
    except ValueError:
        return None


def _word(rule: AnswerRule, answer: httpx.Response) -> str | None:
    """Return the vendor's word where an answer meets a rule; None where it does not."""
    code = str(answer.status_code)
    if rule.status and not rule.status & {code, f"{code[0]}xx"}:
        return None
    if rule.at is None and rule.header is None:
        return code if not rule.texts or _has(rule, answer.text[:SEARCHED_LENGTH]) else None
    found = answer.headers.get(rule.header) if rule.header else at(answer, rule.at or "")
    if found is None:
        return None
    word = paths.word(found)
    if rule.words:
        return word if word in rule.words else None
    if rule.texts:
        return word if word is not None and _has(rule, word) else None
    return code if word is None else word


def _has(rule: AnswerRule, text: str) -> bool:
    return any(part.lower() in text.lower() for part in rule.texts)
