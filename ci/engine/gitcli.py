"""The one door to the host's git."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ci.engine.errors import EngineError

GIT_SECONDS = 600.0  # a clone of a large repository over a slow line
TAIL_LINES = 5
# Neither a prompt nor the user's own preferences may change what a checkout gives.
QUIET = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "true",
    "SSH_ASKPASS": "true",
    "LC_ALL": "C",
    "GIT_LFS_SKIP_SMUDGE": "1",
}
FIXED = (
    ("advice.detachedHead", "false"),
    ("core.autocrlf", "false"),
    ("core.logAllRefUpdates", "false"),
    ("gc.auto", "0"),
    ("init.defaultBranch", "main"),
    ("safe.directory", "*"),
)


class GitError(EngineError):
    """git failed; the message carries the end of what it printed."""

    def __init__(self, command: str, detail: str) -> None:
        super().__init__(f"git error: {command}: {detail}")


@dataclass(frozen=True)
class Access:
    """How a remote is reached: settings of git's own (`http.extraHeader`, ...) and variables of its environment;
    neither is seen in the list of processes."""

    settings: tuple[tuple[str, str], ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


class Git:
    """Runs git.

    Args:
        seconds: how long one command may take.
    """

    def __init__(self, seconds: float = GIT_SECONDS) -> None:
        self._seconds = seconds

    def run(self, words: Sequence[str], folder: Path | None = None, access: Access | None = None) -> str:
        """What git prints.

        Raises:
            GitError: git is not installed, failed, or took too long.
        """
        program = shutil.which("git")
        shown = f"git {shlex.join(words)}"
        if program is None:
            raise GitError(shown, "git is not installed on this machine")
        try:
            done = subprocess.run(
                [program, *words], cwd=folder, env=_environment(access or Access()), stdin=subprocess.DEVNULL,
                capture_output=True, text=True, errors="replace", timeout=self._seconds, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise GitError(shown, f"did not end within {self._seconds:g} s") from error
        if done.returncode:
            lines = [line for line in done.stderr.splitlines() if line.strip()]
            raise GitError(shown, " / ".join(lines[-TAIL_LINES:]) or f"exit status {done.returncode}")
        return done.stdout


def _environment(access: Access) -> dict[str, str]:
    """The environment of a git command: the host's without what ties it to a repository, and the settings."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name.startswith("GIT_SSL")
    }
    settings = [*FIXED, *access.settings]
    numbered = {"GIT_CONFIG_COUNT": str(len(settings))}
    for number, (key, value) in enumerate(settings):
        numbered |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return {**kept, **QUIET, **numbered, **access.environment}
