"""The part of a repository's history that is one service's: its own tags, and the commits that touch its folders."""

from collections.abc import Container

from ci.release.history import FIELDS, TAG

ELSEWHERE = "chore: in another folder of the repository"


def narrow(log: str, prefix: str, touching: Container[str] | None) -> str:
    """What `GIT_LOG` printed, as if the service were alone in its repository.

    Tags that begin with `prefix` lose it, all others are left out; a commit not in `touching` (hashes; None: all
    are) asks for no release.
    """
    fields = log.split("\0")
    for at in range(0, len(fields) - FIELDS + 1, FIELDS):
        sha, _, tags, _ = fields[at : at + FIELDS]
        own = [name.removeprefix(prefix) for name in TAG.findall(tags) if name.startswith(prefix)]
        fields[at + 2] = ", ".join(f"tag: refs/tags/{name}" for name in own)
        if touching is not None and sha.strip() not in touching:
            fields[at + 3] = ELSEWHERE
    return "\0".join(fields)
