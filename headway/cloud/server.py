"""The ASGI app of the embedded cloud: ministack, patched where it hides something that AWS shows.

What makes it quick or gives what AWS gives (`patches`) is always on; what refuses as AWS refuses (`strict`) can be left
out by name. The emulator is pinned exactly, so that a patch of a private name cannot miss it unnoticed: each has a test
of its own.
"""

import os

from ministack.app import app

from headway.cloud import strictness
from headway.cloud.patches import (
    binary_bodies,
    expressions,
    fair_queues,
    message_bodies,
    priority,
    proxy_headers,
    shared_code,
)

__all__ = ["app"]

binary_bodies.apply()
expressions.apply()
fair_queues.apply()
message_bodies.apply()
priority.apply()
proxy_headers.apply()
shared_code.apply()
strictness.apply(strictness.left_out(os.environ.get(strictness.LENIENT_VARIABLE, "")))
