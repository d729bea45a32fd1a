"""What a vendor's answers mean, as data: rules of a contract file over status, header and body, of which the first that
an answer meets counts. Behind the contract's own rules stand today's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Self


class Meaning(StrEnum):
    """What an answer means; which of them a part of the contract knows is in KNOWN."""

    LATER = "later"
    """A throttle: the call was not taken, and nobody calls for a while."""
    IN_DOUBT = "in_doubt"
    """Nobody knows whether the call was taken; or, of a question, there is no answer now."""
    ACCEPTED = "accepted"
    REFUSED = "refused"
    PENDING = "pending"
    """The job, or its result, is not there yet: asked again, without a cool-down."""
    DONE = "done"
    FAILED = "failed"
    GONE = "gone"
    """The vendor has no such job, or none any more."""


_OF_JOBS: Final = (Meaning.DONE, Meaning.FAILED, Meaning.PENDING)
KNOWN: Final[Mapping[str, frozenset[Meaning]]] = {
    "submit": frozenset({Meaning.LATER, Meaning.IN_DOUBT, Meaning.ACCEPTED, Meaning.REFUSED}),
    "poll": frozenset({Meaning.LATER, Meaning.IN_DOUBT, *_OF_JOBS, Meaning.GONE}),
    "result": frozenset({Meaning.LATER, Meaning.IN_DOUBT, *_OF_JOBS}),
}
"""Part of the contract -> what its answers may mean."""
CODES: Final = tuple(str(code) for code in range(100, 600))


@dataclass(frozen=True, slots=True)
class AnswerRule:
    """One rule. An answer meets it where all of it holds: its code is one of `status` (`404`, `5xx`; empty: any), and
    something is `at` a path of its body or in a `header`: one of the `words`, where there are some, or one of the
    `texts` in it, whatever its case. Without a place the whole body is looked at.

    A rule with `within_s` holds so long after a job was accepted. `job_id` is where the answer has the job's ID, as
    `submit.job_id` is written; None where that holds.
    """

    means: Meaning
    status: frozenset[str] = frozenset()
    at: str | None = None
    header: str | None = None
    words: frozenset[str] = frozenset()
    texts: tuple[str, ...] = ()
    within_s: int | None = None
    job_id: Any = None

    @property
    def codes(self) -> frozenset[str]:
        """All codes that it is about."""
        wanted = self.status or {"1xx", "2xx", "3xx", "4xx", "5xx"}
        return frozenset(code for code in CODES if code in wanted or f"{code[0]}xx" in wanted)

    def covers(self, other: "AnswerRule") -> bool:
        """Return whether every answer of one of its codes that meets another rule meets this one."""
        lasts = self.within_s is None or (other.within_s is not None and other.within_s <= self.within_s)
        if self.at is None and self.header is None and not self.texts:
            return lasts
        same = (self.at, self.header) == (other.at, other.header)
        words = not self.words or bool(other.words and other.words <= self.words)
        texts = not self.texts or (
            bool(other.texts) and all(any(part.lower() in text.lower() for part in self.texts) for text in other.texts)
        )
        return lasts and same and words and texts

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read one of the part `answers` of a contract document."""
        return cls(
            means=Meaning(document["means"]),
            status=frozenset(document.get("status", ())),
            at=document.get("at"),
            header=document.get("header"),
            words=frozenset(document.get("words", ())),
            texts=tuple(document.get("texts", ())),
            within_s=document.get("within_s"),
            job_id=document.get("job_id"),
        )


Rules = Sequence[AnswerRule]

THROTTLE: Final = AnswerRule(Meaning.LATER, frozenset({"429"}))
TROUBLE: Final = AnswerRule(Meaning.IN_DOUBT, frozenset({"5xx"}))
DEFAULTS: Final[Mapping[str, Rules]] = {
    "submit": (
        THROTTLE,
        TROUBLE,
        AnswerRule(Meaning.ACCEPTED, frozenset({"2xx"})),
        AnswerRule(Meaning.REFUSED),
    ),
    "poll": (TROUBLE, AnswerRule(Meaning.GONE, frozenset({"404", "410"}))),
    "result": (THROTTLE, TROUBLE, AnswerRule(Meaning.DONE, frozenset({"2xx"})), AnswerRule(Meaning.FAILED)),
}
"""Part of the contract -> what its answers mean where none of the contract's rules is met."""
QUESTION: Final[Rules] = (THROTTLE, TROUBLE)
"""What is no answer to a question, whatever it is about."""


def answers_of(document: Mapping[str, Any]) -> tuple[AnswerRule, ...]:
    """Return the rules of one part of a contract document, its `throttled` codes behind its `answers`."""
    rules = [AnswerRule.from_document(each) for each in document.get("answers", ())]
    if throttled := document.get("throttled"):
        rules.append(AnswerRule(Meaning.LATER, frozenset(throttled)))
    return tuple(rules)


def submit_rules(answers: Rules) -> Rules:
    """Return what answers to a submit mean, by the contract's own rules first."""
    return (*answers, *DEFAULTS["submit"])


def lookup_rules(answers: Rules) -> Rules:
    """Return what is no answer to a lookup: a vendor throttles it in the words that it has for a submit."""
    return (*(rule for rule in answers if rule.means is Meaning.LATER), *QUESTION)


def result_rules(answers: Rules) -> Rules:
    """Return what answers to a fetch mean, by the contract's own rules first."""
    return (*answers, *DEFAULTS["result"])


def listed(status: str | None, lists: Mapping[Meaning, frozenset[str]]) -> Rules:
    """Return lists of a poll's words as rules: at a path of a success, or the code of any answer, which is the word of
    what is no success, too.
    """
    rules = []
    for means, words in lists.items():
        if status is not None and words:
            rules.append(AnswerRule(means, frozenset({"2xx"}), at=status, words=words))
        codes = frozenset(word for word in words if word in CODES and (status is None or word[0] != "2"))
        if codes:
            rules.append(AnswerRule(means, codes))
    return rules


def never_met(rules: Rules) -> Sequence[tuple[int, int]]:
    """Return which rules no answer can meet first, each with the last one that takes the rest of its answers."""
    found = []
    for index, rule in enumerate(rules):
        left = rule.codes
        for before, earlier in enumerate(rules[:index]):
            if left and earlier.covers(rule):
                left -= earlier.codes
                if not left:
                    found.append((index, before))
    return found
