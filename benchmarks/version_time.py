"""How long a version takes over a long history, beside its `git log`: `python -m benchmarks.version_time`.

Makes a repository of COMMITS commits (git fast-import) with a tag far back, and prints the best of ROUNDS of each.
"""

import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator

from ci.release import GIT_LOG, version_of

COMMITS, TAGGED, ROUNDS = 100_000, 1_000, 5
KINDS = ("feat(api): x", "fix: x", "docs: x", "chore: x", "Merge pull request #1 from a/b")


def history() -> Iterator[str]:
    """The stream that git fast-import reads: one line of commits, some with bodies, a release near its beginning."""
    for number in range(1, COMMITS + 1):
        message = f"{KINDS[number % len(KINDS)]} {number}\n\nWhy it was done, in a line or two of a body.\n"
        yield f"commit refs/heads/main\nmark :{number}\ncommitter t <t@example.com> {1_600_000_000 + number} +0000\n"
        yield f"data {len(message)}\n{message}\n"
        if number == TAGGED:
            yield f"reset refs/tags/v1.0.0\nfrom :{number}\n\n"


def best(work: Callable[[], object]) -> float:
    """The shortest of ROUNDS runs, in seconds."""
    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def main() -> None:
    """Print both times and their ratio: log and version together over the log alone."""
    with tempfile.TemporaryDirectory() as folder:
        git = ["git", "-C", folder]
        subprocess.run([*git, "init", "--quiet", "--bare", "--initial-branch=main"], check=True)
        subprocess.run([*git, "fast-import", "--quiet"], input="".join(history()), text=True, check=True)
        words = [*git, *GIT_LOG[1:], "main", "--"]
        log = subprocess.run(words, check=True, capture_output=True, text=True).stdout
        reading = best(lambda: subprocess.run(words, check=True, capture_output=True, text=True))
        deciding = best(lambda: version_of(log))
    print(f"{COMMITS} commits: git log {reading:.2f} s, version {deciding:.2f} s, {1 + deciding / reading:.2f} times")


if __name__ == "__main__":
    main()
