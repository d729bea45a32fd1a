"""The proof that no grant is too much: whichever one is taken from its role, a scenario turns red.

Lanes are deployed that have between them what a contract can have (`lanes.py`). Each scenario runs once, and what IAM
allowed in it is kept. Then each grant is taken, and a scenario that leaned on it runs again. It is red where IAM denies
what this very grant allowed: a denial ends the end-to-end suite red, too. A grant that no scenario leans on has to be
in `unseen.yaml`; a row there that is about no such grant fails the proof. Exit 1 otherwise. An argument is a pattern of
roles, to prove fewer.
"""

import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from headway_cdk.names import role_name
from headway_cdk.stages import DEFAULT_STAGE

from headway.testing.presets import contract_laboratory
from tests.proofs.iam.grants import Grant, grants_of
from tests.proofs.iam.lane import Lane
from tests.proofs.iam.lanes import LANES, scenarios_of
from tests.proofs.iam.stage import Course, Stage, say
from tests.proofs.iam.unseen import Unseen

RED = "red"
GREEN = "GREEN"
LISTED = "unseen, with a reason"
UNLISTED = "UNLISTED"


def main() -> int:
    """Prove it, print a table, and return the exit code."""
    only = sys.argv[1] if len(sys.argv) > 1 else "*"
    with tempfile.TemporaryDirectory() as folder, contract_laboratory(Path(folder), LANES) as lab:
        grants = [grant for grant in grants_of(lab.target) if fnmatchcase(grant.role, only)]
        lanes = {name: Lane.of(lab, name) for name in lab.vendors if any(is_of(name, grant) for grant in grants)}
        for lane in lanes.values():
            lane.quieten()
        stage = Stage(lab, lanes)
        scenarios = [scenario for lane in lanes.values() for scenario in scenarios_of(lane)]
        courses = [stage.run_well(scenario) or stage.run_well(scenario) for scenario in scenarios]
        verdicts = prove(stage, grants, [course for course in courses if course], Unseen.read())
    complaints = [
        *(f"did not go well with all grants: {s.name}" for s, c in zip(scenarios, courses, strict=True) if not c),
        *complaints_of(verdicts, Unseen.read(), whole=only == "*"),
    ]
    counts = Counter(verdict.partition(",")[0] for verdict in verdicts.values())
    say(f"{len(grants)} grants: {counts['red']} red, {counts['unseen']} unseen with a reason")
    for complaint in complaints:
        say(complaint)
    return 1 if complaints else 0


def prove(stage: Stage, grants: Sequence[Grant], courses: Sequence[Course], unseen: Unseen) -> Mapping[Grant, str]:
    """Take each grant, and return what came of it."""
    verdicts = {}
    for number, grant in enumerate(grants, start=1):
        leaning = [course for course in courses if course.leans_on(grant)]
        verdicts[grant] = (LISTED if unseen.has(grant) else UNLISTED) if not leaning else judge(stage, grant, leaning)
        say(f"{number}/{len(grants)} {verdicts[grant]:<28} {grant.role} {grant.action} {grant.resource}")
    return verdicts


def judge(stage: Stage, grant: Grant, leaning: Sequence[Course]) -> str:
    """Take a grant, run what leaned on it, the quickest first, and say what comes of it. Green is what is green in all
    of them: some leaned on it by chance, as a check does that comes just before its scenario is over.
    """
    quickest_first = sorted(leaning, key=lambda course: course.took_s)
    return RED if any(stage.misses(grant, course.scenario) for course in quickest_first) else GREEN


def complaints_of(verdicts: Mapping[Grant, str], unseen: Unseen, *, whole: bool) -> list[str]:
    """Return why the proof fails; rows of the list can be judged by all grants only."""
    found = [f"{verdict}: {grant}" for grant, verdict in verdicts.items() if verdict in (GREEN, UNLISTED)]
    if whole:
        idle = unseen.idle(grant for grant, verdict in verdicts.items() if verdict == LISTED)
        found += [f"a row of unseen.yaml is about no grant that was not seen: {pattern}" for pattern in idle]
    return found + [f"a row of unseen.yaml names a test that is not there: {test}" for test in unseen.without_test()]


def is_of(vendor_name: str, grant: Grant) -> bool:
    """Return whether a grant is of a role in the lane of a vendor."""
    return fnmatchcase(grant.role, role_name(DEFAULT_STAGE, vendor_name, "*"))


if __name__ == "__main__":
    sys.exit(main())
