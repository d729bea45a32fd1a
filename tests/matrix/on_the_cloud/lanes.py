"""The lanes on the embedded cloud: one for each policy and each kind of contract that the stories need.

Queues give back after seconds what nobody has deleted, jobs take a second, and a check comes after three.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import yaml
from headway_cdk.project import bare
from headway_cdk.published import PublishedLane
from headway_lane.contract import paths
from headway_lane.contract.exchange import Ambiguity
from headway_lane.contract.timing import MARGIN_S
from headway_lane.contract.vendor import Vendor

from headway.cloud import process
from headway.deployment.places import ASSEMBLY_FOLDER
from headway.simulator.keys import VendorKeys
from headway.simulator.offer import Offer
from headway.simulator.simulator import Role
from headway.testing.lab_vendor import LabVendor, in_thread
from headway.testing.laboratory import Laboratory, deployed
from tests.matrix.on_the_cloud.story_vendor import Notes, StoryVendor
from tests.matrix.stories import STORIES, contract

KINDS: Final[Mapping[str, str]] = {
    "limited": "limited",
    "claimed": "limited",
    "busy": "limited",
    "doubted": "limited",
    "refused": "limited",
    "job failed": "limited",
    "fetched": "fetched",
    "early": "fetched",
    "polled": "polled",
}
"""The story whose contract each story is played under; the others need queues or functions of another kind."""
CHANGES: Final[Mapping[str, Any]] = {
    "limits": [{"quantity": "calls", "amount": 3, "per_s": 1, "scope": "submit"}],
    "submit.timeout_s": 4,
    "waits": {"tolerated_s": 300, "answer_s": 300, "result_s": 300},
}
TUNING: Final = {"delay_ms": 0, "rate_per_s": 3, "headroom_ms": 200}
"""A headroom that nine lanes on two cores keep: a slot that is missed costs another one, and its caller the CPU."""
IN_FLIGHT: Final = {"quantity": "jobs_in_flight", "amount": 200}
"""A call that ended in doubt keeps its in-flight permit: no other waits for it."""
POLL_AFTER_S: Final = 3
VISIBILITY_S: Final = 15
"""Longer than a batch takes, and far shorter than what a template says."""
JOB_TIME_S: Final = 1.0
INVOCATIONS: Final = 64
"""At once; with fewer a burst is throttled, and after VISIBILITY_S that costs its messages a receive."""


@dataclass(frozen=True, slots=True)
class Lane:
    """A lane of one policy and one kind of contract, and what its vendor has noted."""

    lab: Laboratory
    name: str
    notes: Notes

    @property
    def published(self) -> PublishedLane:
        """What is deployed."""
        return self.lab.lane_of(self.name)

    @property
    def patience_s(self) -> float:
        """How long a call may take: what hangs has ended by itself before, as its task says."""
        return Vendor.from_document(self.lab.contracts[self.name]).workflow_timeout_s + MARGIN_S

    def function(self, name: str) -> str:
        """Return the name of a function on the cloud."""
        return str(getattr(self.published, f"{name}_function"))

    @property
    def queue_urls(self) -> list[str]:
        """The queues whose messages a function takes."""
        lane = self.published
        return [url for url in (*lane.request_queue_urls, lane.results_queue_url, lane.callback_queue_url) if url]


def lane_name(policy: Ambiguity, story: str) -> str:
    """Return the name of the lane, and of its vendor, that a story is played on."""
    return f"{KINDS[story]}-{policy}"


def document(policy: Ambiguity, kind: str) -> Mapping[str, Any]:
    """Return the contract of a lane."""
    story = STORIES[kind]
    changed: Any = {**contract(policy, story), "vendor": lane_name(policy, kind)}
    for path, value in CHANGES.items():
        changed = paths.write(changed, path, value)
    if kind == "limited":
        changed["limits"] = [*changed["limits"], IN_FLIGHT]
    if "poll" in changed:
        changed["poll"] |= {"after_s": POLL_AFTER_S, "every_s": POLL_AFTER_S}
    return dict(changed)


@contextmanager
def lanes(state_dir: Path, wanted: Collection[tuple[Ambiguity, str]]) -> Iterator[Mapping[str, Lane]]:
    """Deploy the lanes that stories are played on under policies, each with its vendor; return them by name."""
    documents = [
        document(policy, kind) for policy, kind in sorted({(policy, KINDS[story]) for policy, story in wanted})
    ]
    configuration = state_dir / "configuration"
    _write(configuration, documents)
    notes = {each["vendor"]: Notes() for each in documents}
    with ExitStack() as opened:
        vendors = [opened.enter_context(_vendor(state_dir, each, notes[each["vendor"]])) for each in documents]
        process.start(state_dir, extra_environment={"LAMBDA_ACCOUNT_CONCURRENCY": str(INVOCATIONS)})
        lab = opened.enter_context(
            deployed(state_dir, vendors, project=bare(configuration), assembly=state_dir / ASSEMBLY_FOLDER)
        )
        made = {name: Lane(lab, name, noted) for name, noted in notes.items()}
        for lane in made.values():
            for url in lane.queue_urls:
                lab.target.client("sqs").set_queue_attributes(
                    QueueUrl=url, Attributes={"VisibilityTimeout": str(VISIBILITY_S)}
                )
        yield made


@contextmanager
def _vendor(state_dir: Path, terms: Mapping[str, Any], notes: Notes) -> Iterator[LabVendor]:
    """Serve the vendor of a contract."""
    offer = replace(Offer.of(Vendor.from_document(terms), VendorKeys.generate()), job_time_s=JOB_TIME_S)
    role = replace(Role.described(terms), make_shape=partial(StoryVendor, terms, notes))
    with in_thread(state_dir, terms["vendor"], offer, role) as vendor:
        yield vendor


def _write(configuration: Path, documents: Collection[Mapping[str, Any]]) -> None:
    for folder in ("vendors", "tuning"):
        (configuration / folder).mkdir(parents=True)
    for each in documents:
        (configuration / "tuning" / f"{each['vendor']}.yaml").write_text(yaml.safe_dump(TUNING))
        (configuration / "vendors" / f"{each['vendor']}.yaml").write_text(yaml.safe_dump(dict(each)))
