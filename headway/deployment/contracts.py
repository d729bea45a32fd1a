"""The configuration as commands read it: what is wrong with it is a problem of the person at the terminal."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from headway_cdk.configuration import ConfigurationError, VendorFiles, check_vendors, load_vendors, whole_contract
from headway_cdk.resources import CONFIGURATION
from headway_cdk.stages import DEFAULT_STAGE

from headway.errors import ConfigurationRefused


def vendor_files(configuration: Path = CONFIGURATION, stage: str = DEFAULT_STAGE) -> dict[str, VendorFiles]:
    """Return contract and tuning of every vendor as a stage has them, by name. Raises ConfigurationRefused."""
    with _refusing():
        return {files.vendor.name: files for files in load_vendors(configuration, stage)}


def contract_document(path: Path, configuration: Path = CONFIGURATION) -> Mapping[str, Any]:
    """Return the contract document of a file, as the vendor sells it to all stages, checked by a configuration's
    schemas. Raises ConfigurationRefused.
    """
    with _refusing():
        return whole_contract(configuration, path)


def problems_of(configuration: Path, paths: Sequence[Path] = ()) -> dict[str, str | None]:
    """Check contract files one by one: path -> what is wrong, None where nothing is.

    Without paths all of the configuration is checked, at the end its tunings, too, whose problem stands under the
    configuration's own path.
    """
    found = {str(path): _problem(configuration, path) for path in paths or _contract_paths(configuration)}
    if not paths and not any(found.values()):
        try:
            with _refusing():
                check_vendors(configuration)
        except ConfigurationRefused as refusal:
            found[str(configuration)] = str(refusal)
    return found


def _contract_paths(configuration: Path) -> list[Path]:
    return sorted((configuration / "vendors").glob("*.yaml"))


def _problem(configuration: Path, path: Path) -> str | None:
    try:
        contract_document(path, configuration)
    except ConfigurationRefused as refusal:
        return str(refusal)
    return None


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except ConfigurationError as error:
        raise ConfigurationRefused(str(error)) from error
    except FileNotFoundError as error:  # a schema: what is missing of the vendors has a message of its own
        raise ConfigurationRefused(
            f"{error.filename}: there is no such file; --config-dir needs both schemas"
        ) from error
