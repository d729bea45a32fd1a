"""The ASGI app of the embedded cloud: ministack, patched where it hides something that AWS shows.

What makes it quick or gives what AWS gives (`patches`) is always on; what refuses as AWS refuses (`strict`) can be left
out by name. Either is found by being there. The emulator is pinned exactly, so that a patch of a private name cannot
miss it unnoticed: each has a test of its own.
"""

import os

from ministack.app import app as ministack_app

from headway.cloud import patches, strict, strictness
from headway.cloud.faults import PLAN
from headway.cloud.faulty_app import with_faults

__all__ = ["app"]

strictness.apply(patches)
strictness.apply(strict, strictness.left_out(os.environ.get(strictness.LENIENT_VARIABLE, "")))

app = with_faults(ministack_app, PLAN)
