"""Which project a command is about: the one whose folder it runs in, unless a bare configuration is named."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headway_cdk.configuration import ConfigurationError
from headway_cdk.project import Project, bare, find
from headway_cdk.stages import DEFAULT_STAGE

from headway.deployment.places import STATE_DIR
from headway.errors import ConfigurationRefused


def project_here(config_dir: Path | None = None, stage: str | None = None) -> Project:
    """Return the project of this folder or the nearest above, or a configuration as a project; as another stage of it
    where one is named. Raises ConfigurationRefused.
    """
    with refusing():
        project = bare(config_dir.resolve()) if config_dir else find(Path.cwd())
        return project.of_stage(stage) if stage else project


def state_dir_here() -> Path:
    """Return where state lies: in the project of this folder, or in this folder where it is of none."""
    project = _project_if_any()
    return project.state_dir if project else STATE_DIR


def stage_here() -> str:
    """Return the stage of the project of this folder, or the usual one."""
    project = _project_if_any()
    return project.stage if project else DEFAULT_STAGE


def workflows_here() -> Path | None:
    """Return the folder of machines of this folder's project, if it is of one."""
    project = _project_if_any()
    return project.workflows if project else None


def _project_if_any() -> Project | None:
    try:
        return find(Path.cwd())
    except ConfigurationError:
        return None


@contextmanager
def refusing() -> Iterator[None]:
    """Turn what is wrong with a configuration into a problem of the person at the terminal."""
    try:
        yield
    except ConfigurationError as error:
        raise ConfigurationRefused(str(error)) from error
