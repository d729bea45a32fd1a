"""What no schema can say of a contract: fields that contradict each other, each in a line with field and fix."""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from headway_lane.contract.answers import KNOWN, Meaning
from headway_lane.contract.dispatch import BATCH_SIZE, Dispatch, Pacing, Trigger, least_batching_window_s
from headway_lane.contract.exchange import Ambiguity, BodyFormat, Callback, Delivered, Header, Poll, Submit
from headway_lane.contract.limits import Quantity, Scope
from headway_lane.contract.open_way import has_user, is_open
from headway_lane.contract.signature import Signature
from headway_lane.contract.signature_rules import contradiction, unsigned_decision
from headway_lane.contract.vendor import Vendor

from headway_cdk.names import RESERVED
from headway_cdk.stages import SHARES, amount_of, exact


def contradictions(contract: Mapping[str, Any], vendor: Vendor) -> Iterator[str]:
    """Yield what is wrong with a contract that satisfies the schema, the document beside the model made of it."""
    if vendor.name in RESERVED:
        yield f"`vendor` is {vendor.name!r}, as a stack of Headway's own is called; choose another name"
    yield from _limits(contract["limits"])
    yield from _shares(contract["limits"], contract.get(SHARES, {}))
    if not vendor.limits_of(Scope.SUBMIT):
        yield "`limits`: none counts submits; add one with `scope: submit`"
    if vendor.budget_scope(Scope.SUBMIT) is Scope.ANY and vendor.dispatch.pacing is Pacing.DELAY:
        yield (
            "`dispatch.pacing`: with `delay` nobody counts submits together with polls;"
            " set `pacing: permits`, or limit `submit` and `poll` apart"
        )
    if vendor.jobs_in_flight is not None and vendor.dispatch.pacing is Pacing.DELAY:
        yield (
            "`dispatch.pacing`: with `delay` nobody counts jobs in flight; set `pacing: permits`, or remove the limit"
            " on `jobs_in_flight`"
        )
    yield from _dispatch(vendor.dispatch)
    if vendor.dispatch.batch_size > BATCH_SIZE:
        yield from _large_batch(vendor)
    if vendor.dispatch.direct:
        yield from _direct(vendor)
    yield from _answers(contract)
    yield from _base_url(vendor)
    yield from _submit(vendor.submit)
    yield from (
        _callback(vendor.callback, is_result=isinstance(vendor.result, Delivered))
        if vendor.callback
        else _silence(vendor)
    )
    if vendor.callback and vendor.callback.progress_every_s is not None:
        yield from _progress(vendor, vendor.callback, vendor.callback.progress_every_s)
    if vendor.poll:
        yield from _poll(vendor, vendor.poll)


def _limits(limits: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Two limits that say the same of the same calls: one of them is a slip, and nobody knows which."""
    first: dict[tuple[Any, ...], int] = {}
    for index, limit in enumerate(limits):
        same = (limit["quantity"], limit.get("scope"), limit.get("per_s"))
        if same in first:
            calls = limit["quantity"] == Quantity.CALLS
            what = f"calls of scope `{limit['scope']}` in {limit['per_s']:g} s" if calls else "jobs in flight"
            yield f"`limits.{index}`: limits {what}, and so does `limits.{first[same]}`; remove one of them"
        first[same] = index


def _shares(limits: Sequence[Mapping[str, Any]], shares: Mapping[str, float]) -> Iterator[str]:
    """Find what stages cannot share: more than there is, or less than one of what a limit counts."""
    for stage, share in shares.items():
        for index, limit in enumerate(limits):
            amount = limit["amount"]
            if amount_of(amount, share) < 1:
                one = "job" if limit["quantity"] == Quantity.JOBS_IN_FLIGHT else "call"
                yield (
                    f"`{SHARES}.{stage}` is {share:g}, which leaves less than one {one} of the {amount} of"
                    f" `limits.{index}`; make it {_least_share(amount):g} at least"
                )
    total = sum(exact(share) for share in shares.values())
    if total > 1:
        yield f"`{SHARES}` come to {float(total):g}, more than the vendor sells; make them 1 at most together"


def _least_share(amount: int) -> float:
    """Return the least share that leaves one of an amount, rounded up to a few digits."""
    scale: int = 10 ** max(2, len(str(amount)))
    return math.ceil(scale / amount) / scale


def _dispatch(dispatch: Dispatch) -> Iterator[str]:
    if dispatch.urgent_concurrency == 1:
        yield (
            "`dispatch.urgent_concurrency` is 1; make it 2 or more, an event source mapping takes no less,"
            " or 0 for a lane without an urgent queue"
        )
    if dispatch.reserved_concurrency < dispatch.dispatchers_count:
        yield (
            f"`dispatch.reserved_concurrency` is {dispatch.reserved_concurrency}; make it"
            f" {dispatch.dispatchers_count} (`maximum_concurrency` + `urgent_concurrency`) at least, or polled"
            " batches are throttled"
        )
    if dispatch.provisioned_concurrency > dispatch.reserved_concurrency:
        yield (
            f"`dispatch.provisioned_concurrency` is {dispatch.provisioned_concurrency}; make it"
            f" {dispatch.reserved_concurrency} (`reserved_concurrency`) at most"
        )


def _large_batch(vendor: Vendor) -> Iterator[str]:
    """Find what a batch of more than one receive cannot be; smaller ones are only warned of (`headway plan`)."""
    dispatch, beginning = vendor.dispatch, f"`dispatch.batch_size` is {vendor.dispatch.batch_size}"
    if dispatch.trigger is Trigger.SCHEDULE:
        yield f"{beginning}, and `trigger: schedule` receives once; make it {BATCH_SIZE} at most"
        return
    least_s = least_batching_window_s(dispatch.batch_size)
    if dispatch.batching_window_s < least_s:
        yield (
            f"{beginning}, which AWS gathers in a window only; make `dispatch.batching_window_s` {least_s} at least,"
            f" or the batch {BATCH_SIZE} at most"
        )
    most = max(BATCH_SIZE, vendor.most_in_a_batch())
    if dispatch.batch_size > most:
        yield (
            f"{beginning}, and one of {dispatch.dispatchers_count} dispatchers brings no more than {most} to an end"
            f" before Lambda ends it; make it {most} at most"
        )


def _direct(vendor: Vendor) -> Iterator[str]:
    """Find what only a function could do."""
    submit, beginning = vendor.submit, "`dispatch.direct`: "
    if vendor.credential is not None:
        yield beginning + "no function reads the secret; remove `credential`"
    if vendor.dispatch.pacing is not Pacing.DELAY:
        yield beginning + "no function waits for a permit; set `pacing: delay`"
    if not isinstance(submit.callback_url, str) or "." in submit.callback_url:
        yield beginning + "`submit.callback_url` must be a field at the top level"
    in_code = (
        isinstance(submit.job_id, Header),
        submit.body is not BodyFormat.JSON,
        submit.query,
        submit.callback_key,
        vendor.headers,
    )
    if any(in_code):
        yield beginning + "no function reads or writes headers, secrets, forms and queries; remove `direct`"
    if submit.lookup:
        yield beginning + "no function asks for a job; set `submit.ambiguity: reject`, and remove `submit.lookup`"
    if submit.idempotency_field:
        yield beginning + "no function writes our key; remove `submit.idempotency_field`"
    if submit.answers:
        yield beginning + "no function reads answers by rules; remove `submit.answers` and `submit.throttled`"
    if vendor.poll:
        yield beginning + "no function notes a job to be polled; remove `poll`"


def _answers(contract: Mapping[str, Any]) -> Iterator[str]:
    """Find rules of answers that say nothing, or nothing of their part."""
    for part, known in KNOWN.items():
        for index, rule in enumerate(contract.get(part, {}).get("answers", ())):
            place, placed = f"`{part}.answers.{index}`", "at" in rule or "header" in rule
            wrong = {
                f"means {rule['means']}, which `{part}` has no use for; write {', '.join(sorted(known))}": rule["means"]
                not in known,
                "looks at a path and at a header; make two rules of it": "at" in rule and "header" in rule,
                "has `words` and no place; add `at` or `header`, or write `texts`": "words" in rule and not placed,
                "has `words` and `texts`; keep one of them": "words" in rule and "texts" in rule,
                "is met by every answer; add `status`, `at`, `header` or `texts`": len(rule) == 1,
                "has a `job_id`, which belongs to `means: accepted`; remove it": "job_id" in rule
                and rule["means"] != Meaning.ACCEPTED,
                "has `within_s`, which belongs to polls; remove it": "within_s" in rule and part != "poll",
            }
            yield from (f"{place} {what}" for what, is_so in wrong.items() if is_so)


def _base_url(vendor: Vendor) -> Iterator[str]:
    """Find what anybody on the way could read: a secret without encryption, or in a URL."""
    try:
        open_way, user = is_open(vendor.base_url), has_user(vendor.base_url)
    except ValueError as error:
        yield f"`base_url` is no URL: {error}"
        return
    if user:
        yield "`base_url` has a user in it, which logs would show; describe it as `credential`"
    secrets = {"credential": vendor.credential, "submit.callback_key": vendor.submit.callback_key}
    for name in (name for name, secret in secrets.items() if secret and open_way):
        yield f"`base_url` is http, so that anybody on the way reads `{name}`; make it https (http on loopback only)"


def _submit(submit: Submit) -> Iterator[str]:
    places = {"callback_url": submit.callback_url, "idempotency_field": submit.idempotency_field}
    for name, place in places.items():
        if submit.body is BodyFormat.FORM and isinstance(place, str) and "." in place:
            yield f"`submit.{name}`: a form has no objects; name a field without dots"
    if submit.ambiguity is Ambiguity.ASK:
        yield from _ask(submit)
    elif submit.lookup:
        yield f"`submit.lookup`: with `ambiguity: {submit.ambiguity}` nobody asks; set `ask`, or remove it"


def _ask(submit: Submit) -> Iterator[str]:
    if submit.lookup is None:
        yield "`submit.lookup` is missing: `ambiguity: ask` has to know where to ask; describe it, or set `reject`"
    if not (submit.idempotency_header or submit.idempotency_field):
        yield (
            "`submit.ambiguity`: to `ask` for a job the vendor has to know our key;"
            " name an `idempotency_header` or an `idempotency_field`, or set `reject`"
        )


def _callback(callback: Callback, *, is_result: bool) -> Iterator[str]:
    if isinstance(callback.verification, Signature) and (found := contradiction(callback.verification)):
        yield f"`callback.verification`: {found}"
    elif found := unsigned_decision(callback, is_result=is_result):
        yield found
    if (callback.body is BodyFormat.SNS) != (callback.verification == "sns"):
        yield "`callback.body` and `callback.verification` are both `sns`, or neither: SNS signs its own messages"
    if callback.body in (BodyFormat.FORM, BodyFormat.XML) and callback.events == "":
        yield f"`callback.events`: {callback.body} is no list itself; name the field or element that has the events"
    if callback.body in (BodyFormat.SNS, BodyFormat.XML) and callback.charset:
        yield f"`callback.charset`: {callback.body} says its own; remove it"
    lists = {name: getattr(callback, name) for name in ("success", "failure", "progress", "ignored")}
    if callback.status is None and any(lists.values()):
        named = ", ".join(f"`callback.{name}`" for name, words in lists.items() if words)
        yield f"{named} without `callback.status`: say where the status is"
    if callback.status is not None and not callback.success:
        yield "`callback.success` is missing: say which statuses end a job well"
    for (name, words), (other, others) in combinations(lists.items(), 2):
        if both := sorted(words & others):
            yield f"`callback.{name}` and `callback.{other}` both have {both[0]!r}; remove it from one"


def _progress(vendor: Vendor, callback: Callback, every_s: int) -> Iterator[str]:
    """Find signs of life that nobody would see: of no word, or later than the task is given up."""
    if not callback.progress:
        yield "`callback.progress_every_s` without `callback.progress`: say which statuses are signs of life"
    if every_s >= vendor.waits.answer_s:
        yield (
            f"`callback.progress_every_s` is {every_s}, and the first sign of life would come when nobody waits;"
            f" make it less than {vendor.waits.answer_s} (`waits.answer_s`)"
        )


def _silence(vendor: Vendor) -> Iterator[str]:
    """Find what makes no sense for a vendor that calls nobody back."""
    if vendor.poll is None:
        yield "`callback` and `poll` are missing, so that nobody would hear of a job's end; add one of them"
    for name in ("callback_url", "callback_key"):
        if getattr(vendor.submit, name) is not None:
            yield f"`submit.{name}` without `callback`: say what a callback looks like, or remove it"
    if isinstance(vendor.result, Delivered):
        yield "`result.source` is `callback`, and there is no `callback`; fetch the result by `path`"


def _poll(vendor: Vendor, poll: Poll) -> Iterator[str]:
    if vendor.callback and isinstance(vendor.result, Delivered):
        yield "`poll`: a job that is polled has called nobody back; fetch its `result`"
    if poll.method == "HEAD" and poll.status is not None:
        yield "`poll.status`: the answer to HEAD has no body; remove it, or use GET"
    for name in ("success", "failure", "pending") if poll.status is None else ():
        for word in sorted(getattr(poll, name)):
            if not _is_told(word):
                yield (
                    f"`poll.{name}` has {word!r}, and without `poll.status` the word is the code of an answer; 429 is"
                    " none, and is asked again; name another code, or remove it"
                )
    if poll.after_s > vendor.waits.answer_s:
        yield f"`poll.after_s` is {poll.after_s}; make it {vendor.waits.answer_s} (`waits.answer_s`) at most"


def _is_told(word: str) -> bool:
    """Tell whether a word is the code of an answer that is one: whoever polls asks again after 429."""
    return word.isdecimal() and 100 <= int(word) < 600 and int(word) != 429
