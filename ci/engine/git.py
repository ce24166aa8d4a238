"""Git repositories: what refs a remote has, and the trees of its commits.

A commit's tree is kept under the commit, so one that is known is never fetched again.
"""

import fnmatch
import os
import re
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ci.engine import hostfs
from ci.engine.errors import EngineError
from ci.engine.gitcli import Access, Git, GitError
from ci.engine.nodes import digest_of
from ci.engine.store import Store
from ci.engine.trees import DIRECTORY_MODE, Entry, Tree

COMMIT = re.compile(r"[0-9a-f]{40}")
VERSION = re.compile(r"v(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")
HEADS, TAGS = "refs/heads/", "refs/tags/"


@dataclass(frozen=True)
class Remote:
    """A repository by its URL (or the path of a folder), and how it is reached; `shown` is the URL as it was given."""

    url: str
    access: Access = field(default_factory=Access)
    shown: str = ""


@dataclass(frozen=True)
class Ref:
    """A ref and the commit it names; one named by its commit alone has no name."""

    name: str
    commit: str

    @property
    def shown(self) -> str:
        """What GitRef.ref says."""
        return self.name or self.commit


@dataclass(frozen=True)
class Checkout:
    """What of a commit is checked out: without its `.git`, with so many commits of history (0: all), with all tags."""

    discard_git_dir: bool = False
    depth: int = 1
    include_tags: bool = False


class Repositories:
    """The git repositories of one session."""

    def __init__(self, store: Store, git: Git, say: Callable[[str], None]) -> None:
        self._store = store
        self._git = git
        self._say = say
        self._known: dict[tuple[str, str], tuple[Ref, ...]] = {}
        self._lock = threading.Lock()

    # Refs

    def refs(self, remote: Remote) -> tuple[Ref, ...]:
        """All refs of a remote, `HEAD` first under the name of its branch; asked for once a session.

        Raises:
            GitError: the remote cannot be read.
        """
        key = (remote.url, digest_of([list(remote.access.settings), dict(remote.access.environment)]))
        with self._lock:
            if key not in self._known:
                text = self._git.run(["ls-remote", "--symref", remote.url], access=remote.access)
                self._known[key] = _listed(text)
            return self._known[key]

    def lookup(self, remote: Remote, name: str) -> Ref:
        """The ref called `name`: in full, as a branch or as a tag; or a commit by its hash.

        Raises:
            EngineError: the repository has none.
        """
        if COMMIT.fullmatch(name):
            return Ref("", name)
        found = self.refs(remote)
        if name == "HEAD" and found and found[0].name != "HEAD":
            return found[0]
        by_name = {ref.name: ref for ref in found}
        for full in (name, f"{HEADS}{name}", f"{TAGS}{name}"):
            if full in by_name:
                return by_name[full]
        raise EngineError(f'repository does not contain ref "{name}"')

    def names(self, remote: Remote, prefix: str, patterns: Sequence[str]) -> list[str]:
        """The short names of a remote's refs below `prefix` that match one of the patterns (all, without any)."""
        found = sorted({ref.name for ref in self.refs(remote) if ref.name.startswith(prefix)})
        return [name.removeprefix(prefix) for name in found if not patterns or _matches(name, patterns)]

    def latest_version(self, remote: Remote) -> Ref:
        """The tag of the highest semantic version.

        Raises:
            EngineError: no tag is one.
        """
        versions = {tag: match for tag in self.names(remote, TAGS, ()) if (match := VERSION.fullmatch(tag))}
        if not versions:
            raise EngineError("no valid semver tags found")
        return self.lookup(remote, TAGS + max(versions, key=lambda tag: _precedence(versions[tag])))

    def common_ancestor(self, one: tuple[Remote, Ref], other: tuple[Remote, Ref]) -> Ref:
        """The best common ancestor of two commits.

        Raises:
            GitError: there is none, or a remote cannot be read.
        """
        with self._scratch() as folder:
            for remote, ref in (one, other):
                self._fetch(folder, remote, ref, Checkout(depth=0))
            return Ref("", self._git.run(["merge-base", one[1].commit, other[1].commit], Path(folder)).strip())

    # Trees

    def tree(self, remote: Remote, ref: Ref, checkout: Checkout) -> Tree:
        """The tree of a commit.

        Raises:
            GitError: the remote cannot be read or does not have the commit.
        """
        inputs = [ref.commit, checkout.discard_git_dir]
        if not checkout.discard_git_dir:
            inputs += [ref.name, remote.shown, checkout.depth, checkout.include_tags]
        key = digest_of(inputs)
        with self._store.locked(f"git-{key}"):
            known = self._store.get_record("git", key)
            if known is not None and (tree := self._store.get_tree(known)) is not None:
                return tree
            self._say(f"git fetch {remote.shown or remote.url} {ref.shown}")
            with self._scratch() as folder:
                self._check_out(folder, remote, ref, checkout)
                tree = _snapshot(self._store, folder)
            self._store.put_record("git", key, self._store.put_tree(tree))
            return tree

    def _scratch(self) -> tempfile.TemporaryDirectory[str]:
        return tempfile.TemporaryDirectory(dir=self._store.root / "tmp", prefix="git-")

    def _check_out(self, place: str, remote: Remote, ref: Ref, checkout: Checkout) -> None:
        folder = Path(place)
        self._fetch(place, remote, ref, checkout)
        branch = ref.name if ref.name.startswith(HEADS) else ""
        if branch:
            self._git.run(["update-ref", branch, ref.commit], folder)
            self._git.run(["symbolic-ref", "HEAD", branch], folder)
            self._git.run(["reset", "-q", "--hard"], folder)
        else:
            self._git.run(["checkout", "-q", "--detach", ref.commit], folder)
        if (folder / ".gitmodules").exists():
            words = ["submodule", "update", "--init", "--recursive", "--depth=1"]
            self._git.run(words, folder, remote.access)
        if checkout.discard_git_dir:
            return _remove_git(folder)
        if remote.shown:
            self._git.run(["remote", "add", "origin", remote.shown], folder)
        return self._settle(folder)

    def _settle(self, folder: Path) -> None:
        """Leave nothing in `.git` that differs from one checkout of the commit to the next."""
        self._git.run(["read-tree", "HEAD"], folder)  # the index as it is without the times of this machine's files
        for name in ("FETCH_HEAD", "ORIG_HEAD"):
            (folder / ".git" / name).unlink(missing_ok=True)

    def _fetch(self, place: str, remote: Remote, ref: Ref, checkout: Checkout) -> None:
        """A repository at `place` that has the commit: alone if the remote gives it so, else with all refs."""
        folder = Path(place)
        self._git.run(["init", "-q", "--template="], folder)
        depth = [f"--depth={checkout.depth}"] if checkout.depth > 0 else []
        tags = "--tags" if checkout.include_tags else "--no-tags"
        named = f"{ref.name}:{ref.name}" if ref.name.startswith(TAGS) else ref.commit
        try:
            self._git.run(["fetch", "-q", *depth, tags, "--update-head-ok", remote.url, named], folder, remote.access)
        except GitError:
            everything = ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"]
            self._git.run(["fetch", "-q", "--no-tags", remote.url, *everything], folder, remote.access)


def _listed(text: str) -> tuple[Ref, ...]:
    """The refs that `git ls-remote --symref` printed; an annotated tag's commit is that of its `^{}`."""
    head, commits = "HEAD", dict[str, str]()
    for line in text.splitlines():
        value, _, name = line.partition("\t")
        if value.startswith("ref: "):
            head = value.removeprefix("ref: ") if name == "HEAD" else head
        else:
            commits[name.removesuffix("^{}")] = value
    first = [Ref(head, commits["HEAD"])] if "HEAD" in commits else []
    return (*first, *(Ref(name, commit) for name, commit in commits.items() if name != "HEAD"))


def _matches(name: str, patterns: Sequence[str]) -> bool:
    """Whether a ref matches as `git ls-remote` matches: at its end, from a slash on."""
    return any(fnmatch.fnmatchcase(f"/{name}", f"*/{pattern}") for pattern in patterns)


def _precedence(match: re.Match[str]) -> tuple[object, ...]:
    """Semantic version 2.0's order: a pre-release comes before its release, its numbers before its words."""
    numbers = tuple(int(part or 0) for part in match.groups()[:3])
    rows = tuple((0, int(p), "") if p.isdigit() else (1, 0, p) for p in (match[4] or "").split(".") if p)
    return (*numbers, not rows, rows)


def _remove_git(folder: Path) -> None:
    for root, folders, files in os.walk(folder, topdown=False):
        inside = ".git" in Path(root).relative_to(folder).parts
        for name in files:
            if inside or name == ".git":
                (Path(root) / name).unlink()
        for name in folders:
            place = Path(root) / name
            if (inside or name == ".git") and not place.is_symlink():
                place.rmdir()


def _snapshot(store: Store, folder: str) -> Tree:
    """A checkout as a tree."""
    entries: list[Entry] = []
    for root, folders, files in os.walk(folder):
        base = Path(root)
        for name in [*folders, *files]:
            place = base / name
            path = str(place.relative_to(folder))
            if place.is_symlink():
                entries.append(Entry(path, "l", 0o777, target=str(place.readlink())))
            elif place.is_dir():
                entries.append(Entry(path, "d", DIRECTORY_MODE))
            else:
                entries.append(hostfs.file_entry(store, path, place))
    return Tree.of(replace(entry, uid=0, gid=0) for entry in entries)
