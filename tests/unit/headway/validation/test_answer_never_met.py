"""Rules of a contract's answers that can never be met are named, each with its line."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from headway_cdk.resources import CONFIGURATION

from headway.validation.contracts import contract_findings

GENERIC = yaml.safe_load((CONFIGURATION / "presets" / "generic.yaml").read_text())
POLL = {"path": "/v1/jobs/{job_id}", "timeout_s": 5, "after_s": 10, "every_s": 5, "success": ["200"]}
ANY_404, CODED = {"means": "gone", "status": ["404"]}, {"means": "pending", "status": ["404"], "at": "code"}


def never_met(folder: Path, poll: dict[str, Any]) -> list[str]:
    path = folder / "generic.yaml"
    path.write_text(yaml.safe_dump({**GENERIC, "poll": {**POLL, **poll}}))
    return [found.why for found in contract_findings(path) if found.rule == "answer-never-met"]


@pytest.mark.parametrize(
    ("poll", "said"),
    [
        ({"answers": [ANY_404, CODED]}, ["`poll.answers.1` is never met: `poll.answers.0` takes the last"]),
        ({"answers": [CODED, ANY_404]}, []),
        ({"answers": [ANY_404], "throttled": ["404"]}, ["`poll.throttled` is never met"]),
        ({"answers": [{**CODED, "within_s": 9}]}, ["before `poll.after_s`, 10 s"]),
        ({"answers": [{**CODED, "within_s": 10}]}, []),
        ({"method": "HEAD", "answers": [CODED]}, ["an answer to HEAD has no body"]),
    ],
)
def test_a_rule_that_is_never_met_is_named_with_what_takes_its_answers(
    poll: dict[str, Any], said: list[str], tmp_path: Path
) -> None:
    found = never_met(tmp_path, poll)
    assert len(found) == len(said)
    assert all(part in why for part, why in zip(said, found, strict=True))
