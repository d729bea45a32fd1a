"""Public keys of vendors and the signatures of their private ones: Ed25519, ECDSA P-256, RSA with SHA-256.

Pure Python (ADR 0003): some milliseconds for each try, so that few signatures are tried. The library is imported with
the first key, because few vendors need it.
"""

import base64
import binascii
import re
from functools import lru_cache
from typing import Final

from headway_lane.contract.signature import Algorithm
from headway_lane.runtime.errors import Forged
from headway_lane.verification import certificates
from headway_lane.verification.certificates import LEAST_BITS, RsaKey

MOST_TRIES: Final = 16
"""Signatures times keys: two of each during a rotation, and room for a vendor's environments."""
MOST_BITS: Final = 8_192
"""Of an RSA key: twice the longest that vendors use."""
POINT_BYTES: Final = 32
"""A public key of Ed25519 (RFC 8032, 5.1.5)."""
_PEM: Final = re.compile(r"-----BEGIN (PUBLIC KEY|CERTIFICATE)-----([A-Za-z0-9+/=\s]+)-----END \1-----", re.ASCII)
_HINT: Final = {
    Algorithm.ED25519: "32 bytes of Ed25519, or the same in DER",
    Algorithm.ECDSA_P256: "a point of P-256, or the same in DER",
    Algorithm.RSA_SHA256: f"an RSA key of {LEAST_BITS} bits or more in DER",
}


def from_pem(text: str, algorithm: Algorithm) -> bytes:
    """Return the public key of a PEM as bytes in DER. ValueError, with a hint, where it has none of the algorithm."""
    if "PRIVATE KEY" in text:
        raise ValueError("it is a private key, which nobody but the vendor should have; put the public one there")
    found = _PEM.search(text)
    if found is None:
        raise ValueError(
            "it is no PEM: a public key or a certificate between -----BEGIN ...----- and -----END ...-----"
        )
    try:
        der = base64.b64decode("".join(found[2].split()), validate=True)
        return checked(certificates.public_key_of(der) if found[1] == "CERTIFICATE" else der, algorithm)
    except (binascii.Error, Forged) as error:
        raise ValueError(f"it cannot be read as a PEM; it should be {_HINT[algorithm]}") from error


def checked(key: bytes, algorithm: Algorithm) -> bytes:
    """Return a key that is one of the algorithm. ValueError, with a hint, where it is none."""
    if _loaded(key, algorithm) is None:
        raise ValueError(f"it is no public key of {algorithm}; it should be {_HINT[algorithm]}")
    return key


def has_signed(key: bytes, algorithm: Algorithm, signature: bytes, text: bytes) -> bool:
    """Return whether a signature is that of a key; what is no signature of the algorithm is not."""
    loaded = _loaded(key, algorithm)
    if loaded is None:
        return False
    if isinstance(loaded, RsaKey):
        return loaded.has_signed(signature, "sha256", text)
    return _on_curve(loaded, algorithm, signature, text)


def _on_curve(key: object, algorithm: Algorithm, signature: bytes, text: bytes) -> bool:
    import hashlib

    from ecdsa import BadSignatureError
    from ecdsa.der import UnexpectedDER
    from ecdsa.util import sigdecode_der, sigdecode_string

    try:
        if algorithm is Algorithm.ED25519:
            return bool(key.verify(signature, text))  # type: ignore[attr-defined]
        decode = sigdecode_string if len(signature) == 2 * POINT_BYTES and signature[:1] != b"\x30" else sigdecode_der
        return bool(key.verify(signature, text, hashfunc=hashlib.sha256, sigdecode=decode))  # type: ignore[attr-defined]
    except (BadSignatureError, UnexpectedDER, ValueError, AssertionError):
        return False


@lru_cache(maxsize=32)
def _loaded(key: bytes, algorithm: Algorithm) -> object | None:
    """Return a key as its library has it, None where it is none; keys are few, and reading one takes its time."""
    if algorithm is Algorithm.RSA_SHA256:
        try:
            found = certificates.rsa_key(key)
        except Forged:
            return None
        return found if LEAST_BITS <= found.modulus.bit_length() <= MOST_BITS else None
    from ecdsa import Ed25519, NIST256p, VerifyingKey
    from ecdsa.der import UnexpectedDER
    from ecdsa.errors import MalformedPointError

    curve = Ed25519 if algorithm is Algorithm.ED25519 else NIST256p
    try:
        if len(key) in ((POINT_BYTES,) if curve is Ed25519 else (33, 64, 65)):
            loaded = VerifyingKey.from_string(key, curve=curve)
        else:
            loaded = VerifyingKey.from_der(key)
    except (MalformedPointError, UnexpectedDER, ValueError, IndexError, KeyError):
        return None
    fits: bool = loaded.curve == curve
    found_key: object = loaded
    return found_key if fits else None
