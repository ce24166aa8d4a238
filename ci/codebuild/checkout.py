"""A clean checkout of one commit with its whole history, as a CodeConnections source with full clone has it."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from ci.codebuild.errors import CheckoutError, NoBuildspecError

TAIL = 200  # characters of what git said


@dataclass(frozen=True)
class Checkout:
    """The folder, the full hash of its commit, and where it came from."""

    folder: Path
    commit: str
    repository: str


def clean(repository: Path, commit: str, folder: Path) -> Checkout:
    """Clone a repository of this machine into a folder, at a commit; what is not committed is not there.

    Raises:
        CheckoutError: there is no such commit, or the history is not whole.
    """

    def git(*words: str) -> str:
        return _git(repository, commit, *words)

    inside = ("-C", str(repository), "rev-parse")
    full = git(*inside, "--verify", "--quiet", "--end-of-options", f"{commit}^{{commit}}")
    if git(*inside, "--is-shallow-repository") == "true":
        raise CheckoutError(str(repository), commit, "its history is not whole; `git fetch --unshallow` gets the rest")
    root = git(*inside, "--show-toplevel")
    git("clone", "--quiet", "--no-checkout", "--no-hardlinks", root, str(folder))
    git("-C", str(folder), "fetch", "--quiet", "origin", full)
    git("-C", str(folder), "-c", "advice.detachedHead=false", "checkout", "--quiet", "--detach", full)
    return Checkout(folder, full, root)


def buildspec(checkout: Checkout, path: str) -> str:
    """The text of the commit's buildspec.

    Raises:
        NoBuildspecError: it has none at the path.
    """
    try:
        return (checkout.folder / path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NoBuildspecError(path, checkout.commit) from error


def _git(repository: Path, commit: str, *words: str) -> str:
    done = subprocess.run(["git", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it has no such commit"])[-1][-TAIL:]
        raise CheckoutError(str(repository), commit, said)
    return done.stdout.strip()
