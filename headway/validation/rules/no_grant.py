"""What a machine calls follows from its file, so that its role can be granted that and nothing else."""

from collections.abc import Iterator
from itertools import count

from headway_cdk.configuration import ConfigurationError
from headway_cdk.machine_grants import UngrantedCall, grants_of
from headway_cdk.placeholders import AwsAccount

from headway.validation.finding import Severity
from headway.validation.rule import Hit, LintRule
from headway.validation.subject import Subject

_NOWHERE = AwsAccount("", "", "")


def check(subject: Subject) -> Iterator[Hit]:
    """Find calls from which no grant follows, in a project's machine; as synth does, but all of them."""
    deployed = subject.deployed
    if deployed is None or any(one.fields.get("Type") is None for one in subject.machine.all_states):
        return
    paths = {state.name: state.path for state in subject.machine.all_states}
    known: list[str] = []
    for _ in count():
        try:
            grants_of(
                subject.document, deployed.bound, file="", machine=deployed.machine, account=_NOWHERE, by_hand=known
            )
        except UngrantedCall as call:
            yield Hit((*paths.get(call.state, ()), "Resource"), call.why, call.fix)
            if call.state in known:
                return
            known.append(call.state)
        except (ConfigurationError, AttributeError, TypeError):
            return  # no machine, which is told by another rule
        else:
            return


RULE = LintRule(
    id="no-grant",
    severity=Severity.ERROR,
    title="No grant follows from a call",
    why="A machine of a project may do what its file names by placeholders. This call names nothing: synth refuses it.",
    fix="name the thing by its placeholder; or grant the call in cdk/app.py, and say so in the Comment",
    check=check,
)
