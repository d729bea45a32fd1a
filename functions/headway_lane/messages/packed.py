"""Bodies that a partner has packed: gzip and deflate, undone as far as they may grow."""

import zlib
from typing import Final

from headway_lane.runtime.errors import Malformed

UNPACKED_BYTES: Final = 4_194_304
"""The most that a packed body may become: five times the largest that comes unpacked."""
_PACKED: Final = (b"\x1f\x8b\x08", b"\x78\x01", b"\x78\x9c", b"\x78\xda")
"""How gzip (RFC 1952) and zlib's deflate (RFC 1950) begin; no text does."""


def is_packed(raw: bytes) -> bool:
    """Return whether a body begins as a packed one does."""
    return raw.startswith(_PACKED)


def unpacked(raw: bytes) -> bytes:
    """Undo gzip and deflate, one member behind the other, as far as `UNPACKED_BYTES`; Malformed where it cannot be."""
    if not is_packed(raw):
        return raw
    found, rest = bytearray(), raw
    while is_packed(rest):
        member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # finds out which of the two it is
        try:
            found += member.decompress(rest, UNPACKED_BYTES + 1 - len(found))
        except zlib.error as error:
            raise Malformed("the callback is packed, and cannot be unpacked") from error
        if len(found) > UNPACKED_BYTES:
            raise Malformed(f"the callback is larger than {UNPACKED_BYTES:,} bytes when it is unpacked")
        if not member.eof:
            raise Malformed("the callback is packed, and its end is missing")
        rest = member.unused_data
    return bytes(found)
