"""Fields of a contract that can never work: found before anybody waits for them."""

from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from headway_cdk.configuration import ConfigurationError, whole_contract
from headway_cdk.resources import CONFIGURATION
from headway_lane.contract.exchange import Poll
from headway_lane.contract.vendor import Vendor
from headway_lane.vendor_api.job_status import Standing, finding_of

GENERIC = yaml.safe_load((CONFIGURATION / "presets" / "generic.yaml").read_text())
POLL = {"path": "/v1/jobs/{job_id}", "timeout_s": 5, "after_s": 1, "every_s": 1}
CODES = {**POLL, "success": ["200"]}
SIGNED = {"algorithm": "hmac-sha256", "header": "X-Sig", "timestamp_header": "X-Time"}


def written(folder: Path, **changes: Any) -> Path:
    path = folder / "generic.yaml"
    path.write_text(yaml.safe_dump({**GENERIC, **changes}))
    return path


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"callback": {"job_id": "id", "verification": {**SIGNED, "signed": "{id}.{timestamp}.{body}"}}},
            "`callback.verification`: `signed` has `{id}`, which is signed as it stands",
        ),
        ({"poll": {**POLL, "success": ["200"], "pending": ["202"], "failure": ["600"]}}, "`poll.failure` has '600'"),
        (
            {"poll": {**CODES, "answers": [{"means": "refused", "status": ["400"]}]}},
            "`poll.answers.0` means refused",
        ),
        (
            {"poll": {**CODES, "answers": [{"means": "gone", "words": ["x"]}]}},
            "`poll.answers.0` has `words` and no",
        ),
        (
            {"poll": {**CODES, "answers": [{"means": "gone"}]}},
            "`poll.answers.0` is met by every answer",
        ),
        (
            {"poll": {**CODES, "answers": [{"means": "done", "status": ["200"], "job_id": "id"}]}},
            "has a `job_id`",
        ),
        (
            {"callback": {**GENERIC["callback"], "progress_every_s": GENERIC["waits"]["answer_s"]}},
            "`callback.progress_every_s` is 900",
        ),
        (
            {"callback": {"job_id": "id", "verification": "none", "progress_every_s": 60}},
            "`callback.progress_every_s` without `callback.progress`",
        ),
        ({"poll": {**POLL, "success": ["200"], "pending": ["429"]}}, "`poll.pending` has '429'"),
        ({"poll": {**POLL, "success": ["done"], "pending": ["202"]}}, "`poll.success` has 'done'"),
    ],
)
def test_what_can_never_work_is_refused(changes: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refused:
        whole_contract(written(tmp_path, **changes))
    assert said in str(refused.value)


def test_a_code_beside_words_of_the_body_is_obeyed(tmp_path: Path) -> None:
    words = {"status": "status", "success": ["completed"], "pending": ["404"]}
    poll = Vendor.from_document(whole_contract(written(tmp_path, poll={**POLL, **words}))).poll
    assert isinstance(poll, Poll)
    assert finding_of(poll, httpx.Response(404)).standing is Standing.PENDING
    assert finding_of(poll, httpx.Response(410)).standing is Standing.UNKNOWN
    assert finding_of(poll, httpx.Response(200, json={"status": "completed"})).standing is Standing.SUCCEEDED
