"""git, as clients ask it: of folders, by HTTP with credentials, of a Directory."""

import base64
import contextlib
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ci.engine import schema
from ci.engine.api import Context
from ci.engine.functions import FunctionCall
from ci.engine.gitcli import Git, GitError
from ci.engine.remotes import is_local, normal_url
from ci.engine.session import Session

Ask = Callable[..., Any]
BACKEND = "git http-backend"


def git(folder: Path, *words: str) -> str:
    who = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
    when = {"GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z", "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z"}
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), **who, **when}
    done = subprocess.run(["git", *words], cwd=folder, env=env, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two commits on `main`, a branch `side` of the first, versions, and an annotated tag."""
    folder = tmp_path_factory.mktemp("git") / "own"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "a.txt").write_text("one", encoding="utf-8")
    (folder / "run.sh").write_text("#!/bin/sh", encoding="utf-8")
    (folder / "run.sh").chmod(0o755)
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "one")
    git(folder, "tag", "v1.9.0")
    git(folder, "tag", "-a", "v1.10.0", "-m", "annotated")
    git(folder, "tag", "v1.11.0-rc.1")
    git(folder, "tag", "other")
    git(folder, "branch", "side")
    (folder / "a.txt").write_text("two", encoding="utf-8")
    git(folder, "commit", "-qam", "two")
    return folder


def value(answer: Any) -> Any:
    """The one value in the nested data, or the error's message."""
    if "errors" in answer:
        return answer["errors"][0]["message"]
    found = answer["data"]
    while isinstance(found, dict) and len(found) == 1:
        (found,) = found.values()
    return found


def asked(ask: Ask, url: object, fields: str, **variables: Any) -> Any:
    return value(ask(f"query($u:String!){{git(url:$u){{{fields}}}}}", u=str(url), **variables))


def test_refs_are_found_by_their_kind(ask: Ask, repository: Path) -> None:
    first, last = git(repository, "rev-parse", "side"), git(repository, "rev-parse", "main")
    for fields, commit, name in (
        ("head", last, "refs/heads/main"),
        ('branch(name:"side")', first, "refs/heads/side"),
        ('tag(name:"v1.10.0")', first, "refs/tags/v1.10.0"),
        ('ref(name:"main")', last, "refs/heads/main"),
        ('ref(name:"refs/tags/other")', first, "refs/tags/other"),
        (f'commit(id:"{first}")', first, first),
        ("latestVersion", first, "refs/tags/v1.11.0-rc.1"),
        ('head{commonAncestor(other:$o)', first, first),
    ):  # fmt: skip
        if "commonAncestor" in fields:
            other = asked(ask, repository, 'branch(name:"side"){id}')
            query = f"query($u:String!,$o:ID!){{git(url:$u){{{fields}{{commit ref}}}}}}}}"
            assert value(ask(query, u=str(repository), o=other)) == {"commit": commit, "ref": name}
        else:
            assert asked(ask, repository, f"{fields}{{commit ref}}") == {"commit": commit, "ref": name}


def test_branches_and_tags_are_listed_and_filtered(ask: Ask, repository: Path) -> None:
    assert asked(ask, repository, "branches") == ["main", "side"]
    assert asked(ask, repository, 'tags(patterns:["v*"])') == ["v1.10.0", "v1.11.0-rc.1", "v1.9.0"]
    assert asked(ask, repository, 'tags(patterns:["refs/tags/other"])') == ["other"]
    assert asked(ask, repository, "url") == str(repository)


def test_a_tree_is_what_the_commit_holds(ask: Ask, repository: Path) -> None:
    assert asked(ask, repository, 'branch(name:"side"){tree(discardGitDir:true){entries}}') == ["a.txt", "run.sh"]
    assert asked(ask, repository, 'branch(name:"side"){tree{file(path:"a.txt"){contents}}}') == "one"
    assert asked(ask, repository, 'head{tree{file(path:"a.txt"){contents}}}') == "two"
    assert asked(ask, repository, "head{tree{entries}}") == [".git/", "a.txt", "run.sh"]


def test_a_tree_is_a_repository_of_the_depth_asked_for(ask: Ask, repository: Path, tmp_path: Path) -> None:
    for fields, commits, branch in (
        ("head{tree", "1", "main"), ("head{tree(depth:0)", "2", "main"), ('tag(name:"other"){tree', "1", "HEAD"),
    ):  # fmt: skip
        place = tmp_path / f"out-{len(list(tmp_path.iterdir()))}"
        asked(ask, repository, f'{fields}{{export(path:"{place}")}}}}')
        assert git(place, "rev-list", "--count", "HEAD") == commits
        assert git(place, "rev-parse", "--abbrev-ref", "HEAD") == branch
        assert git(place, "status", "--porcelain") == ""
        assert git(place, "remote", "get-url", "origin") == str(repository)


def test_a_commit_that_is_known_is_not_fetched_again(ask: Ask, repository: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(repository, copy)
    commit = git(copy, "rev-parse", "main")
    digest = asked(ask, copy, f'commit(id:"{commit}"){{tree{{digest}}}}')
    shutil.rmtree(copy)
    assert asked(ask, copy, f'commit(id:"{commit}"){{tree{{digest}}}}') == digest


def test_nothing_is_fetched_before_something_is_asked_for(ask: Ask) -> None:
    assert not asked(ask, "/nosuch", "head{tree{id}}").startswith("git error")
    assert asked(ask, "/nosuch", "head{tree{entries}}").startswith("git error")


def test_a_directory_is_a_repository(ask: Ask, repository: Path) -> None:
    fields = 'asGit{branch(name:"side"){tree(discardGitDir:true){file(path:"a.txt"){contents}}} url}'
    found = value(ask(f'{{host{{directory(path:"{repository}"){{{fields}}}}}}}'))
    assert found["url"] is None
    assert value({"data": found["branch"]}) == "one"
    refused = value(ask("{directory{asGit{head{commit}}}}"))
    assert refused.startswith("git error: git ls-remote")


def test_what_is_not_there_is_told(ask: Ask, repository: Path, tmp_path: Path) -> None:
    assert asked(ask, repository, 'ref(name:"nope"){commit}') == 'repository does not contain ref "nope"'
    wrong = asked(ask, repository, 'branch(name:"v1.9.0"){commit}')
    assert wrong == 'repository does not contain ref "refs/heads/v1.9.0"'
    assert asked(ask, repository, 'commit(id:"12"){commit}') == 'invalid commit SHA: "12"'
    missing = asked(ask, tmp_path / "none", "head{commit}")
    assert missing.startswith("git error: git ls-remote --symref")
    assert "does not appear to be a git repository" in missing
    absent = asked(ask, repository, f'commit(id:"{"0" * 40}"){{tree{{entries}}}}')
    assert absent.startswith("git error: git checkout")


def test_a_modules_function_has_no_folder_of_the_host(session: Session, repository: Path) -> None:
    query = f'{{git(url:"{repository}"){{id}}}}'
    answer = schema.answer(schema.build(), Context(session, call=FunctionCall()), query, {})
    assert "Query.git of a local folder is not available to a module's function" in value(answer)


class Backend(BaseHTTPRequestHandler):
    """`git http-backend` (git's own CGI program) for the user `own` with the password `hush`."""

    def serve(self) -> None:
        server: Any = self.server
        pair = base64.b64encode(b"x-access-token:hush").decode()
        server.seen.append(self.headers.get("Authorization"))
        if self.headers.get("Authorization") not in (f"Basic {pair}", "Bearer own"):
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="x"')
            self.send_header("Content-Length", "0")
            return self.end_headers()
        path, _, query = self.path.partition("?")
        env = {
            "PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": server.root, "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path,
            "QUERY_STRING": query, "REQUEST_METHOD": self.command, "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
        }  # fmt: skip
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        out = subprocess.run(BACKEND.split(), env=env, input=body, capture_output=True, check=True).stdout
        head, _, data = out.partition(b"\r\n\r\n")
        rows = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(rows.pop("Status", "200").split()[0]))
        for name, text in rows.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(data)
        return None

    do_GET = do_POST = serve

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@contextlib.contextmanager
def served(root: Path) -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Backend)
    server.root, server.seen = str(root), []
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(("kind", "secret"), [("httpAuthToken", "hush"), ("httpAuthHeader", "Bearer own")])
def test_a_private_repository_is_read_with_its_secret(ask: Ask, repository: Path, kind: str, secret: str) -> None:
    with served(repository.parent) as server:
        url = f"http://127.0.0.1:{server.server_address[1]}/own/.git"
        token = value(ask(f'{{setSecret(name:"t",plaintext:"{secret}"){{id}}}}'))
        query = f"query($u:String!,$s:ID!){{git(url:$u,{kind}:$s){{head{{tree(discardGitDir:true){{entries}}}}}}}}"
        assert value(ask(query, u=url, s=token)) == ["a.txt", "run.sh"]
        refused = asked(ask, url, "head{commit}")
        assert refused.startswith("git error: git ls-remote")
        assert "Authentication failed" in refused or "could not read Username" in refused


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("github.com/o/r", "https://github.com/o/r"),
        ("https://x/y.git", "https://x/y.git"),
        ("git@x:o/r", "git@x:o/r"),
        ("ssh://x/o/r", "ssh://git@x/o/r"),
        ("ssh://me@x/o/r", "ssh://me@x/o/r"),
        ("file:///x", "file:///x"),
    ],
)
def test_urls_are_made_gits(url: str, wanted: str) -> None:
    assert normal_url(url) == wanted
    assert is_local(url) == url.startswith("file")


def test_git_that_is_missing_or_slow_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = tmp_path / "git"
    slow.write_text("#!/bin/sh\nexec sleep 60\n", encoding="utf-8")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(GitError, match=r"git error: git fetch: did not end within 0\.1 s"):
        Git(0.1).run(["fetch"])
    monkeypatch.setenv("PATH", str(tmp_path / "none"))
    with pytest.raises(GitError, match="git is not installed on this machine"):
        Git().run(["fetch"])
