"""A contract of 2/s that lets calls wait for 20 s, with its vendor on a cloud of its own: what 400 calls at once are
far too many for.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import yaml
from headway_cdk.project import bare
from headway_cdk.resources import EXAMPLE_CONFIGURATION

from headway.testing.lab_vendor import in_process
from headway.testing.laboratory import VENDOR, Laboratory, deployed

CALLS_COUNT: Final = 400
RATE_PER_S: Final = 2
WAITS: Final = {"tolerated_s": 20, "answer_s": 20}
JOB_S: Final = 2


@contextmanager
def short_patience_laboratory(scratch: Path) -> Iterator[Laboratory]:
    """Deploy the example's vendor with this contract, by permits and without checks."""
    configuration = scratch / "configuration"
    shutil.copytree(EXAMPLE_CONFIGURATION, configuration)
    path = configuration / "vendors" / f"{VENDOR}.yaml"
    document = yaml.safe_load(path.read_text())
    document["limits"][0]["amount"] = RATE_PER_S
    document["waits"] = WAITS
    document["dispatch"]["pacing"] = "permits"
    del document["poll"]
    path.write_text(yaml.safe_dump(document))
    tuning = configuration / "tuning" / f"{VENDOR}.yaml"
    tuning.write_text(yaml.safe_dump({**yaml.safe_load(tuning.read_text()), "rate_per_s": RATE_PER_S}))
    with (
        in_process(scratch, VENDOR, {"--submit-rate": f"{RATE_PER_S}/1", "--job-time": JOB_S}) as vendor,
        deployed(scratch, [vendor], project=bare(configuration), assembly=scratch / "assembly") as lab,
    ):
        yield lab
