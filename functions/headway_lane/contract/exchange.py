"""What is said between Headway and a vendor, as data: submitting a job, calling back, giving the result.

Paths are dotted (`data.object.id`), see `paths`; a form is an object of texts.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Self

from headway_lane.contract.answers import DEFAULTS, THROTTLE, AnswerRule, Meaning, Rules, answers_of, listed
from headway_lane.contract.signature import Signature
from headway_lane.contract.signature_presets import described


class BodyFormat(StrEnum):
    """How a body is written."""

    JSON = "json"
    FORM = "form"
    """`application/x-www-form-urlencoded`."""
    SNS = "sns"
    """Of callbacks only: a message of Amazon SNS, whose text is the event as JSON."""
    XML = "xml"
    """Of callbacks only."""


CONTENT_TYPES: Final[Mapping[BodyFormat, str]] = {
    BodyFormat.JSON: "application/json",
    BodyFormat.FORM: "application/x-www-form-urlencoded",
    BodyFormat.SNS: "text/plain",
    BodyFormat.XML: "application/xml",
}
"""What we write, and say to partners."""
OTHER_CONTENT_TYPES: Final[Mapping[BodyFormat, tuple[str, ...]]] = {
    BodyFormat.JSON: (
        "application/cloudevents+json",
        "application/cloudevents-batch+json",
        "application/vnd.api+json",
        "application/x-ndjson",
        "application/json-seq",
    ),
    BodyFormat.FORM: ("multipart/form-data",),
    BodyFormat.SNS: (),
    BodyFormat.XML: ("text/xml",),
}
"""Under what else such a body comes; a vendor's own is in its contract (`content_types`)."""
CHARSETS: Final[Mapping[str, str]] = {
    "utf-8": "utf-8",
    "us-ascii": "cp1252",
    "iso-8859-1": "cp1252",
    "windows-1252": "cp1252",
    "iso-8859-2": "iso8859-2",
    "windows-1250": "cp1250",
    "windows-1251": "cp1251",
    "koi8-r": "koi8-r",
    "iso-8859-15": "iso8859-15",
    "shift_jis": "cp932",
    "euc-jp": "euc-jp",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb18030": "gb18030",
    "big5": "cp950",
    "euc-kr": "cp949",
}
"""Names of charsets -> Python's codec, the larger one where they differ (WHATWG encoding standard, 4.2)."""


class Ambiguity(StrEnum):
    """What to do when it is not known whether the vendor took a submit (5xx, timeout, crash)."""

    RETRY = "retry"
    """Repeat it: the vendor knows the idempotency key, or a doubled job does no harm."""
    REJECT = "reject"
    """Fail the task: a doubled job would."""
    ASK = "ask"
    """Look the job up by our key, and repeat the submit only where the vendor does not have it."""


@dataclass(frozen=True, slots=True)
class Header:
    """A value in a header of an answer; of a URL, such as `Location` has it, the last part of its path."""

    name: str


def place_of(written: str | Mapping[str, str]) -> str | Header:
    """Read where an answer has a job ID: a dotted path, or a header."""
    return Header(written["header"]) if isinstance(written, Mapping) else written


@dataclass(frozen=True, slots=True)
class Query:
    """A value in a query parameter of a request."""

    name: str


@dataclass(frozen=True, slots=True)
class Credential:
    """Where the vendor wants its API token: header `header`, value `format` with `{token}` in it, or `{token_base64}`
    for HTTP Basic, whose token is `name:password`.
    """

    header: str
    format: str

    def value(self, token: str) -> str:
        """Return the header's value."""
        return self.format.format(token=token, token_base64=base64.b64encode(token.encode()).decode())


@dataclass(frozen=True, slots=True)
class Lookup:
    """How the job of a submit is found, with GET; `path` has `{idempotency_key}` in its path or in its query.

    The job ID is at the path `job_id` of a successful answer. Nothing there, or a 404, says that there is no such job.
    """

    path: str
    timeout_s: float
    job_id: str


@dataclass(frozen=True, slots=True)
class Submit:
    """How a job is submitted, and where the job ID is in the answer: at a path, or in a header.

    The callback URL goes to a path of the body or into the query; None where the vendor knows it from the account.
    `callback_key` is the path for the webhook key, of vendors that send back what they are given. `query` and `fields`
    are sent with every submit. Our idempotency key goes into a header, to a path of the body (`idempotency_field`), or
    into both; `lookup` finds the job by it, and is there where `ambiguity` is ASK. `traceparent` says whether a submit
    has that header.
    """

    method: str
    path: str
    timeout_s: float
    body: BodyFormat
    job_id: str | Header
    callback_url: str | Query | None
    callback_key: str | None
    query: Mapping[str, str]
    fields: Mapping[str, Any]
    idempotency_header: str | None
    idempotency_field: str | None
    ambiguity: Ambiguity
    lookup: Lookup | None
    traceparent: bool = True
    answers: tuple[AnswerRule, ...] = ()

    @property
    def longest_timeout_s(self) -> float:
        """The longest that one attempt waits for the vendor: it submits, or it looks the job up."""
        return max(self.timeout_s, self.lookup.timeout_s if self.lookup else 0.0)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read the part `submit` of a contract document."""
        job_id, callback_url, lookup = document["job_id"], document.get("callback_url"), document.get("lookup")
        return cls(
            method=document["method"],
            path=document["path"],
            timeout_s=document["timeout_s"],
            body=BodyFormat(document.get("body", BodyFormat.JSON)),
            job_id=place_of(job_id),
            callback_url=Query(callback_url["query"]) if isinstance(callback_url, Mapping) else callback_url,
            callback_key=document.get("callback_key"),
            query=document.get("query", {}),
            fields=document.get("fields", {}),
            idempotency_header=document.get("idempotency_header"),
            idempotency_field=document.get("idempotency_field"),
            ambiguity=Ambiguity(document["ambiguity"]),
            lookup=Lookup(**lookup) if lookup else None,
            traceparent=document.get("traceparent", True),
            answers=answers_of(document),
        )


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """The answer that makes the vendor content: an HTTP status, and a body."""

    status: int
    body: str


@dataclass(frozen=True, slots=True)
class Handshake:
    """The answer to a sender that asks by OPTIONS whether it may send (CloudEvents, "HTTP 1.1 Web Hooks", 4): to whom
    it is given, `*` for anybody, and how many requests per minute it allows.
    """

    allowed_origin: str
    allowed_rate_per_min: int


ACCEPTED: Final = Acknowledgement(202, '{"status":"accepted"}')


@dataclass(frozen=True, slots=True)
class Callback:
    """What the vendor's callback says, and where.

    `events` is the path of an array whose elements are told apart, empty where the whole body is the array, None where
    a callback is one event; the other paths begin at the event. `charset` is None where the body says its own, or is
    UTF-8. `content_types` are those of the vendor's own beside the common ones. The job ID is at the first of its paths
    that is there. Without `status` every callback is the
    end of a successful job. `progress_every_s` is the longest that the vendor lets pass between two signs of life, None
    where it promises none. `handshake` is None where nobody asks first. `verification` describes how it is signed, or
    names a scheme that has code of its own (`callback/verification.py`).
    """

    body: BodyFormat
    events: str | None
    job_id: tuple[str, ...]
    status: str | None
    success: frozenset[str]
    failure: frozenset[str]
    progress: frozenset[str]
    ignored: frozenset[str]
    acknowledgement: Acknowledgement
    handshake: Handshake | None
    verification: str | Signature
    charset: str | None = None
    content_types: tuple[str, ...] = ()
    progress_every_s: int | None = None

    @property
    def taken_content_types(self) -> tuple[str, ...]:
        """All content types under which the callback API takes a body, the usual one first."""
        return tuple(dict.fromkeys((CONTENT_TYPES[self.body], *OTHER_CONTENT_TYPES[self.body], *self.content_types)))

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read the part `callback` of a contract document."""
        job_id = document["job_id"]
        said = document.get("acknowledgement")
        return cls(
            body=BodyFormat(document.get("body", BodyFormat.JSON)),
            events=document.get("events"),
            job_id=(job_id,) if isinstance(job_id, str) else tuple(job_id),
            status=document.get("status"),
            success=frozenset(document.get("success", ())),
            failure=frozenset(document.get("failure", ())),
            progress=frozenset(document.get("progress", ())),
            ignored=frozenset(document.get("ignored", ())),
            acknowledgement=Acknowledgement(said["status"], said["body"]) if said else ACCEPTED,
            handshake=Handshake(**document["handshake"]) if "handshake" in document else None,
            verification=described(document["verification"]),
            charset=document.get("charset"),
            content_types=tuple(document.get("content_types", ())),
            progress_every_s=document.get("progress_every_s"),
        )


@dataclass(frozen=True, slots=True)
class Fetched:
    """A result that is fetched when the job has ended; `path` has `{job_id}` in it."""

    path: str
    timeout_s: float
    answers: tuple[AnswerRule, ...] = ()


@dataclass(frozen=True, slots=True)
class Delivered:
    """A result that came with the last callback: its event, or what is at the path `field` of it."""

    field: str | None

    @property
    def timeout_s(self) -> float:
        """The vendor is not asked, so it is not waited for."""
        return 0.0


Result = Fetched | Delivered


@dataclass(frozen=True, slots=True)
class Poll:
    """How a job is asked about whose callback does not come; `path` has `{job_id}` in it.

    What the vendor says is at the path `status` of its answer; None where the HTTP status says it, as a text. A 404 or
    a 410 in none of the lists means that the vendor does not know the job. `answers` come before all of that. It is
    asked `after_s` after its acceptance, then every `every_s`, until the contract's `answer_s` is over.
    """

    method: str
    path: str
    timeout_s: float
    status: str | None
    success: frozenset[str]
    failure: frozenset[str]
    pending: frozenset[str]
    after_s: int
    every_s: int
    answers: tuple[AnswerRule, ...] = ()

    def rules(self, age_s: float) -> Rules:
        """Return what answers mean so long after a job was accepted."""
        lists = {Meaning.DONE: self.success, Meaning.FAILED: self.failure, Meaning.PENDING: self.pending}
        own = (rule for rule in self.answers if rule.within_s is None or age_s <= rule.within_s)
        return (*own, THROTTLE, *listed(self.status, lists), *DEFAULTS["poll"])

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read the part `poll` of a contract document."""
        return cls(
            method=document.get("method", "GET"),
            path=document["path"],
            timeout_s=document["timeout_s"],
            status=document.get("status"),
            success=frozenset(document["success"]),
            failure=frozenset(document.get("failure", ())),
            pending=frozenset(document.get("pending", ())),
            after_s=document["after_s"],
            every_s=document["every_s"],
            answers=answers_of(document),
        )


@dataclass(frozen=True, slots=True)
class Cancel:
    """How a job is called off for which nobody waits any more; `path` has `{job_id}` in it. Any answer of 2xx says that
    it is.
    """

    method: str
    path: str
    timeout_s: float

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read the part `cancel` of a contract document."""
        return cls(document.get("method", "POST"), document["path"], document["timeout_s"])


def result_from_document(document: Mapping[str, Any]) -> Result:
    """Read the part `result` of a contract document."""
    if document.get("source") == "callback":
        return Delivered(document.get("field"))
    return Fetched(document["path"], document["timeout_s"], answers_of(document))
