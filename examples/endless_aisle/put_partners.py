"""Puts partners.yaml into the partner table: `python put_partners.py local`, or `aws`."""

import sys
from pathlib import Path

import yaml
from headway_cdk.names import TABLES, parameter
from headway_cdk.project import find

from headway.deployment.connection import reach


def main(where: str) -> None:
    """Put every partner; what is there under its name is replaced."""
    here = Path(__file__).parent
    project = find(here)
    target, _ = reach(where, state_dir=project.state_dir)
    named = target.client("ssm").get_parameter(Name=parameter(project.stage, TABLES, "partners"))
    table = target.table(named["Parameter"]["Value"])
    for partner in yaml.safe_load((here / "partners.yaml").read_text()):
        table.put_item(Item=partner)


if __name__ == "__main__":
    main(sys.argv[1])
