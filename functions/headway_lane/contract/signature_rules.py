"""What no description of a signature can mean: a check that would let anybody in, or nobody.

In: a description, or the whole `callback` of a contract. Out: one line with what to write instead, or None. Asked by
`headway validate`, and again when a callback comes: a contract may have come past it.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from headway_lane.contract.signature import (
    ACCOUNT,
    FORM,
    KEY,
    PIECE,
    PIECES,
    PLAIN,
    PUBLIC_KEY,
    TIMESTAMP,
    Algorithm,
    Coverage,
    Encoding,
    Signature,
    is_json,
    is_piece,
)

if TYPE_CHECKING:
    from headway_lane.contract.exchange import Callback

TIME_PLACES: Final = ("timestamp_label", "timestamp_header", "timestamp_query", "timestamp_field")


def contradiction(signature: Signature) -> str | None:
    """Say what cannot be meant, and what to write instead; None where the description is sound."""
    if signature.algorithm is Algorithm.STATIC:
        return next(_of_static(signature), None)
    return next(_of_signed(signature), None)


def _of_static(signature: Signature) -> Iterator[str]:
    beside = ("signature_label", "separator", "other_headers", *TIME_PLACES)
    if any(getattr(signature, name) for name in beside) or signature.key_encoding is not Encoding.UTF8:
        yield "`static` knows `header` and `prefix` only; remove the others"


def _of_signed(signature: Signature) -> Iterator[str]:
    pieces = signature.pieces
    for name in pieces:
        if not is_piece(name):
            yield f"`signed` has `{{{name}}}`, which is signed as it stands; it knows {', '.join(PIECES)}"
    if "{" in PIECE.sub("", signature.signed) or "}" in PIECE.sub("", signature.signed):
        yield f"`signed` has a brace that belongs to no piece; it knows {', '.join(PIECES)}"
    if signature.coverage is Coverage.NOTHING:
        yield "`signed` has no `{body}` and no `{form}`, so that any body would pass; add one"
    if (KEY in pieces) != (signature.algorithm in PLAIN):
        yield "`signed` has `{key}` where `algorithm` is a plain digest (sha1, sha256, sha512), and only there"
    behind_the_key = signature.signed.rpartition(f"{{{KEY}}}")[2] if signature.algorithm in PLAIN else ""
    if PIECE.search(behind_the_key):
        yield (
            "`signed` goes on behind `{key}`, and `algorithm` is a plain digest: whoever has seen one callback can"
            " lengthen it and sign that; use an HMAC, or put `{key}` last where the vendor does"
        )
    if (ACCOUNT in pieces) != (signature.account is not None):
        yield "`account` is said where `signed` has `{account}`, and only there: `{preset: NAME, account: ID}`"
    yield from _of_time(signature)
    if signature.timestamp_label and not signature.signature_label:
        yield "`timestamp_label` needs `signature_label`: the header holds pairs, or one signature"
    if signature.prefix and signature.signature_label:
        yield "`prefix` and `signature_label` exclude each other: the header holds one signature, or pairs"
    yield from _of_encodings(signature)


def _of_time(signature: Signature) -> Iterator[str]:
    places = [name for name in TIME_PLACES if getattr(signature, name)]
    in_body = places == ["timestamp_field"] and signature.coverage is Coverage.WHOLE
    if len(places) != (TIMESTAMP in signature.pieces) and not in_body:
        yield (
            "`signed` has `{timestamp}` where `timestamp_label`, `timestamp_header`, `timestamp_query` or"
            " `timestamp_field` says where it is, and only there: a time that is not signed proves nothing"
        )


def _of_encodings(signature: Signature) -> Iterator[str]:
    if signature.encoding in (Encoding.UTF8, Encoding.PEM):
        yield "`encoding` of a signature is `hex`, `base64` or `base64url`"
    if signature.algorithm in PUBLIC_KEY:
        if signature.key_encoding is Encoding.UTF8:
            yield (
                f"`key_encoding` is missing: a public key of `{signature.algorithm}` is written as `pem`, `base64`,"
                " `base64url` or `hex`"
            )
    elif signature.key_encoding is Encoding.PEM:
        yield "`key_encoding` is `pem`, which is public, and `algorithm` needs a secret; name how that is written"


def unsigned_decision(callback: "Callback", *, is_result: bool) -> str | None:
    """Say what in a callback would decide, though nobody has signed it; None where all that decides is signed.

    `is_result` says whether a job's result is what comes with the callback.
    """
    return next(_unsigned(callback, is_result), None)


def _unsigned(callback: "Callback", is_result: bool) -> Iterator[str]:
    signature = callback.verification
    if not isinstance(signature, Signature):
        return
    if FORM in signature.pieces and callback.body != "form":
        yield f"`callback.body` is `{callback.body}`, and `{{form}}` is signed; make it `form`, or sign `{{body}}`"
    reread = signature.coverage is Coverage.FIELDS or any(is_json(name) for name in signature.pieces)
    if reread and (callback.body != "json" or callback.charset):
        yield "`callback.body` has to be `json` without `charset` where `signed` has `{json}` or `{field.PATH}`"
    if is_result and signature.coverage in (Coverage.FIELDS, Coverage.CHECKSUM):
        yield "`result.source` is `callback`, whose body is not signed as a whole; fetch the result by `path`"
    if signature.coverage is not Coverage.FIELDS:
        return
    if callback.events is not None:
        yield "`callback.events`: one event is signed where `signed` has no `{body}`; remove it"
    if callback.status is not None and callback.status not in signature.fields:
        yield f"`callback.status`: `{callback.status}` is not signed; sign `{{field.{callback.status}}}`, or remove it"
    for path in callback.job_id:
        if path not in signature.fields:
            yield f"`callback.job_id`: `{path}` is not signed; sign `{{field.{path}}}` or `{{body}}`"
        if any(part.isdecimal() for part in path.split(".")):
            yield f"`callback.job_id`: `{path}` goes into a list, whose other elements are not signed"
