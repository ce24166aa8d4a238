"""Where Cutover itself is: a checkout of its repository, or what a wheel installed, which holds the module apart."""

import importlib.util
from pathlib import Path

from ci.errors import CutoverError

PACKAGE = Path(__file__).resolve().parents[1]
IN_WHEEL = PACKAGE / "module"  # where ci/wheel.py puts the module's files
AWS = ("boto3", "cloudpickle", "docker", "moto", "trustme", "waitress")  # what the extra `local` brings


class NotInstalledError(CutoverError):
    """A package of an extra is not there."""

    def __init__(self, package: str) -> None:
        way = "pip install 'cutover[cli,local]'" if IN_WHEEL.is_dir() else "make setup"
        super().__init__(f"{package} is not installed, which this command needs: {way}")


def module() -> Path:
    """The folder of Cutover's own Dagger module, with its dagger.json."""
    return IN_WHEEL if IN_WHEEL.is_dir() else PACKAGE.parent


def checkout() -> Path | None:
    """The checkout that this runs from, None where it is installed from a wheel."""
    return None if IN_WHEEL.is_dir() else PACKAGE.parent


def check_aws() -> None:
    """Look whether AWS on this machine has the packages that it needs.

    Raises:
        NotInstalledError: one is missing.
    """
    for package in AWS:
        if importlib.util.find_spec(package) is None:
            raise NotInstalledError(package)


def not_installed(error: ImportError) -> NotInstalledError | None:
    """What to tell of a failed import: None where what is missing is Cutover's own."""
    package = (error.name or "").partition(".")[0]
    return None if package in ("", "ci", "infra") else NotInstalledError(package)
