"""The version: git's log read in a container, the arithmetic in `ci.release`."""

import dagger

from ci import release
from ci.errors import CutoverError
from ci.steps import image

REPOSITORY = "/repository"


class ShallowHistoryError(CutoverError):
    """A shallow clone: its log ends before the last release may have been reached."""

    def __init__(self) -> None:
        super().__init__(
            "this is a shallow clone, so its version cannot be known; fetch the rest: git fetch --unshallow --tags"
        )


def git(history: dagger.Directory) -> dagger.Container:
    """Git over the repository's history; the layer with git depends on nothing of it."""
    return (
        image.base()
        .with_exec(["sh", "-c", "apt-get update -qq && apt-get install -qq -y --no-install-recommends git"])
        .with_directory(f"{REPOSITORY}/.git", history)
        .with_workdir(REPOSITORY)
        .with_exec(["git", "config", "--global", "--add", "safe.directory", "*"])
    )


async def of(history: dagger.Directory) -> release.Version:
    """The version of the history's HEAD.

    Raises:
        ShallowHistoryError: the history does not reach back to the first commit.
    """
    if "shallow" in await history.entries():
        raise ShallowHistoryError
    log = await git(history).with_exec(release.GIT_LOG).stdout()
    return release.version_of(log)


async def commit(history: dagger.Directory) -> str:
    """The full hash of the history's HEAD."""
    return (await git(history).with_exec(["git", "rev-parse", "HEAD"]).stdout()).strip()
