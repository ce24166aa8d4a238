"""The service's own tests as a gate: pytest in an environment of its own, told where the new version answers.

The tests read CUTOVER_URL, the address to connect to, and CUTOVER_HOST, the Host header to send: on AWS it is the
address's own, on this machine it names the listener.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .clients import Listener
from .evidence import FAILED, PASSED, Finding

# The hook waits for 30 minutes.
LIMIT_S = 15 * 60
SHOWN_LINES = 5
# What pytest ends with where it found no test: https://docs.pytest.org/en/stable/reference/exit-codes.html
NO_TESTS = 5


@dataclass(frozen=True)
class Suite:
    """`python -m pytest PATHS` with an interpreter that has what the tests need, in the service's repository."""

    python: Path
    repository: Path
    paths: Sequence[str]

    def __call__(self, listener: Listener) -> Finding:
        """Runs it against a listener; one that finds no test, or does not end, fails."""
        told = {"CUTOVER_URL": f"http://{listener.connect}", "CUTOVER_HOST": listener.host}
        words = [str(self.python), "-m", "pytest", "-q", "-o", "addopts=", "-p", "no:cacheprovider", *self.paths]
        try:
            done = subprocess.run(
                words, cwd=self.repository, env=_without_credentials() | told, capture_output=True, text=True,
                timeout=LIMIT_S, check=False, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return Finding(FAILED, f"the tests had not ended after {LIMIT_S // 60} minutes")
        except OSError as error:
            return Finding(FAILED, f"the tests could not be started: {error}")
        lines = done.stdout.strip().splitlines() or done.stderr.strip().splitlines()
        numbers = {"exit_code": done.returncode, "tail": lines[-SHOWN_LINES:]}
        if done.returncode == 0:
            return Finding(PASSED, f"the service's tests passed ({_last(lines)})", numbers)
        why = "found no test" if done.returncode == NO_TESTS else "failed"
        return Finding(FAILED, f"the service's tests {why} ({_last(lines)})", numbers)


def _without_credentials() -> dict[str, str]:
    """The tests are the service's and have no business with the deployer's account."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}


def _last(lines: Sequence[str]) -> str:
    return " ".join(lines[-1].split()).strip("= ") if lines else "no output"
