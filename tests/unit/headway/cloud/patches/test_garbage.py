"""The patch that collects the emulator's garbage in small pieces; in a process of its own, whose objects it counts."""

import subprocess
import sys
from typing import Final

CIRCLES: Final = """
from headway.cloud.patches import garbage

class Circle:
    alive_count = 0

    def __init__(self):
        self.me = self
        Circle.alive_count += 1

    def __del__(self):
        Circle.alive_count -= 1

garbage.apply()
for _ in range(200_000):
    Circle()
print(Circle.alive_count)
"""
KEPT: Final = """
import gc
from headway.cloud.patches import garbage

garbage.apply()
before_count = gc.get_freeze_count()
kept = [[number] for number in range(10_000)]
gc.collect()
assert gc.get_freeze_count() >= before_count + 10_000, "what is kept is looked at again"
kept = [[] for number in range(1_000)]
gc.collect(1)
assert gc.get_freeze_count() < before_count + 10_000, "what has been put aside is freed when nobody has it"
"""


def run(script: str) -> str:
    return subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout  # noqa: S603


def test_what_a_request_leaves_is_freed_while_requests_go_on() -> None:
    assert int(run(CIRCLES)) < 20_000


def test_what_is_kept_is_looked_at_once_and_freed_when_nobody_has_it() -> None:
    run(KEPT)
