"""A new project from the wheel alone: all that its README says is typed, over the dependencies that are here.

`make proof-wheel` does the same with dependencies of its own, and sees that nothing of the checkout is read.
"""

from pathlib import Path

from tests.proofs.wheel_project import prove


def test_what_the_readme_of_a_new_project_says_works_from_the_wheel_and_leaves_nothing_running(tmp_path: Path) -> None:
    prove(tmp_path.resolve(), over_what_is_here=True)
