"""The version: git's log read in a container, the arithmetic in `ci.release`."""

import dagger

from ci import release
from ci.errors import CutoverError
from ci.settings import Settings
from ci.steps import image

REPOSITORY, LOG = "/repository", "/tmp/log"


class ShallowHistoryError(CutoverError):
    """A shallow clone: its log ends before the last release may have been reached."""

    def __init__(self) -> None:
        super().__init__(
            "this is a shallow clone, so its version cannot be known; fetch the rest: git fetch --unshallow --tags"
        )


class NoSuchCommitError(CutoverError):
    """A name that is no commit of the history, or an empty history."""

    def __init__(self, name: str) -> None:
        none_yet = "nothing is committed yet: git add --all && git commit -m 'feat: first'"
        unknown = f"the history has no commit {name!r}: give a hash, a tag or a branch that this clone has"
        super().__init__(none_yet if name == "HEAD" else unknown)


def git(history: dagger.Directory) -> dagger.Container:
    """Git over the repository's history; the layer with git depends on nothing of it."""
    return (
        image.base()
        .with_exec(["sh", "-c", f"{image.APT} git"])
        .with_directory(f"{REPOSITORY}/.git", history)
        .with_workdir(REPOSITORY)
        .with_exec(["git", "config", "--global", "--add", "safe.directory", "*"])
    )


async def log(history: dagger.Directory, settings: Settings, commit: str = "HEAD") -> str:
    """What `release.GIT_LOG` prints for a commit, by any name that git takes for one, narrowed to the service's part.

    Raises:
        ShallowHistoryError: the history does not reach back to the first commit.
        NoSuchCommitError: it has no such commit.
    """
    if "shallow" in await history.entries():
        raise ShallowHistoryError
    sha = await full(history, commit)
    whole = await _printed(history, [*release.GIT_LOG, sha, "--"])
    if not settings.tag_prefix and not settings.paths:
        return whole
    touching = ["git", "log", "--full-history", "--format=%H", sha, "--", *settings.paths]
    hashes = set((await _printed(history, touching)).split()) if settings.paths else None
    return release.narrow(whole, settings.tag_prefix, hashes)


async def _printed(history: dagger.Directory, words: list[str]) -> str:
    # Into a file: nobody wants to see all of it in the progress.
    return await git(history).with_exec(words, redirect_stdout=LOG).file(LOG).contents()


async def of(history: dagger.Directory, settings: Settings) -> release.Version:
    """The version of the history's HEAD."""
    return release.version_of(await log(history, settings), settings.stable)


async def full(history: dagger.Directory, commit: str) -> str:
    """The full hash of a commit.

    Raises:
        NoSuchCommitError: the history has none of this name.
    """
    words = ["git", "rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^{{commit}}"]
    found = (await git(history).with_exec(words, expect=dagger.ReturnType.ANY).stdout()).strip()
    if not found:
        raise NoSuchCommitError(commit)
    return found


async def commit(history: dagger.Directory) -> str:
    """The full hash of the history's HEAD."""
    return await full(history, "HEAD")


async def time(history: dagger.Directory) -> str:
    """When the history's HEAD was committed, in seconds since 1970."""
    return (await git(history).with_exec(["git", "show", "--no-patch", "--format=%ct", "HEAD"]).stdout()).strip()
