"""The configuration as commands read it: what is wrong with it is a problem of the person at the terminal."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headway_cdk.configuration import VendorFiles, load_vendors, whole_contract
from headway_cdk.stages import DEFAULT_STAGE

from headway.deployment.projects import refusing


def vendor_files(configuration: Path, stage: str = DEFAULT_STAGE) -> dict[str, VendorFiles]:
    """Return contract and tuning of every vendor as a stage has them, by name. Raises ConfigurationRefused."""
    with refusing():
        return {files.vendor.name: files for files in load_vendors(configuration, stage)}


def contract_document(path: Path) -> Mapping[str, Any]:
    """Return the contract document of a file, as the vendor sells it to all stages. Raises ConfigurationRefused."""
    with refusing():
        return whole_contract(path)
