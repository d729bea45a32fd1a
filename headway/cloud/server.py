"""The ASGI app of the embedded cloud: ministack, patched where it hides something that AWS shows.

The emulator is pinned exactly, so that a patch of a private name cannot miss it unnoticed: each has a test of its own.
"""

from ministack.app import app

from headway.cloud.patches import binary_bodies, expressions, fair_queues, priority, proxy_headers, shared_code

__all__ = ["app"]

binary_bodies.apply()
expressions.apply()
fair_queues.apply()
priority.apply()
proxy_headers.apply()
shared_code.apply()
