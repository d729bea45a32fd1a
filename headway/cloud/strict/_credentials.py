"""Who signed a request: what ministack's engine says of a key, kept as long as the key's session stays what it was.

The engine resolves the key of each request five times, and decodes its headers twice. Every signature is checked all
the same.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from ministack import app
from ministack.core import iam_evaluator, sigv4
from ministack.services import iam, sts

from headway.cloud.strict._roles import Documents, documents_of

SIGNED: Final = b"AWS4-HMAC-SHA256 Credential="
KEYS_AT_MOST: Final = 4_096
"""Keys that are remembered; there is one per function."""


def apply() -> None:
    """Ask the engine for what depends on a key alone when the key, its session or its role is another than before."""
    iam_evaluator.is_root_access_key = lru_cache(KEYS_AT_MOST)(iam_evaluator.is_root_access_key)
    iam_evaluator.resolve_credential = _credentials_kept(iam_evaluator.resolve_credential)
    iam_evaluator.resolve_principal = _principals_kept(iam_evaluator.resolve_principal)
    iam_evaluator.pin_signed_request = app.pin_signed_request = _pinned_at_once(iam_evaluator.pin_signed_request)
    app.pin_signed_body = _pin_body


class _Kept(dict[Any, Any]):
    """Answers with what they follow from; begins anew when it has become large."""

    def found(self, key: Any, follows_from: object, ask: Any) -> Any:
        known = self.get(key)
        if known is None or known[0] != follows_from:
            if len(self) >= KEYS_AT_MOST:
                self.clear()
            known = self[key] = (follows_from, ask())
        return known[1]


def _session(key: str) -> Any:
    """Return the session of a key; None where there is none, or where it has ended or has policies of its own."""
    session = sts._sessions.get(key)
    return None if session is None or sts._session_expired(session) or session.get("SessionPolicies") else session


def _credentials_kept(resolve: Any) -> Any:
    kept = _Kept()

    def resolve_once(key: str, *rest: Any, **options: Any) -> Any:
        session = _session(key)
        if session is None and not iam_evaluator.is_root_access_key(key):
            return resolve(key, *rest, **options)
        # The account of a request that names none is the caller's, which is in no argument.
        if not rest:
            return resolve(key, **options)
        return kept.found((key, rest, *options.items()), session, lambda: resolve(key, *rest, **options))

    return resolve_once


def _principals_kept(resolve: Any) -> Any:
    kept = _Kept()

    def resolve_once(key: str, account_id: str, credential: Any = None) -> Any:
        if iam_evaluator.is_root_access_key(key):
            return kept.found((key, account_id), None, lambda: resolve(key, account_id, credential))
        session = _session(key)
        follows_from = session and _follows_from(session)
        if not follows_from:
            return resolve(key, account_id, credential)
        return kept.found(key, follows_from, lambda: resolve(key, account_id, credential))

    return resolve_once


def _follows_from(session: Any) -> Documents | None:
    """Return what the principal of a role's session follows from."""
    arn = session.get("Arn", "")
    if ":assumed-role/" not in arn:
        return None
    account = arn.split(":")[4]
    role = iam._roles.get_scoped(account, None, arn.split("/")[1])
    if role is None:
        return None
    tags = tuple((tag["Key"], tag["Value"]) for tag in role.get("Tags") or ())
    return (session, tags, *documents_of(role, account))


def _pinned_at_once(pin: Any) -> Any:
    def pin_at_once(
        method: str, raw_path: str, query: Any, raw_headers: Sequence[tuple[bytes, bytes]], *rest: Any, **options: Any
    ) -> None:
        authorization = next((value for name, value in raw_headers if name == b"authorization"), b"")
        key = authorization.removeprefix(SIGNED).partition(b"/")[0].decode("latin-1")
        headers = {name.decode("latin-1"): sigv4.decode_header_value(value) for name, value in raw_headers}
        # A header on several lines, and a signature in the query or of another kind, are for the engine's own way.
        if not authorization.startswith(SIGNED) or not key or len(headers) < len(raw_headers) or rest or options:
            pin(method, raw_path, query, raw_headers, *rest, **options)
            return
        iam_evaluator._verified_key.set("")
        iam_evaluator._anonymous.set(False)
        signed = None
        if not iam_evaluator.is_root_access_key(key):
            signed = iam_evaluator.SignedRequest(key, method, raw_path, query, headers)
        iam_evaluator._signed_request.set(signed)

    return pin_at_once


def _pin_body(body: bytes) -> None:
    request = iam_evaluator._signed_request.get()
    if request is not None:
        object.__setattr__(request, "body", body)  # nobody else has the request yet: a copy would cost as much again
