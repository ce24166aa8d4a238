"""Setuid files in an image's layers, and the texts of a history."""

import io
import json
import subprocess
import tarfile
from pathlib import Path

import pytest

from ci.scan import blobs
from ci.scan.files import findings


def _tar(files: dict[str, tuple[int, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, (mode, data) in files.items():
            member = tarfile.TarInfo(name)
            member.mode, member.size = mode, len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def test_setuid_files_of_all_layers_are_found_and_debians_own_are_low() -> None:
    """Also one that a later layer takes away: the layer still holds it."""
    base = _tar({"usr/bin/su": (0o4755, b""), "var/lib/dpkg/info/util-linux.list": (0o644, b"/.\n/usr/bin/su\n"),
                 "srv/gone": (0o2755, b""), "srv/plain": (0o755, b"")})  # fmt: skip
    top = _tar({"./srv/helper": (0o4755, b""), "srv/.wh.gone": (0o644, b"")})
    manifest = json.dumps([{"Layers": ["a/layer.tar", "b/layer.tar"]}]).encode()
    whole = _tar({"manifest.json": (0o644, manifest), "a/layer.tar": (0o644, base), "b/layer.tar": (0o644, top)})
    with tarfile.open(fileobj=io.BytesIO(whole)) as image:
        rows = {row["path"]: (row["rule"], row["severity"]) for row in findings(image)}
    assert rows == {
        "srv/gone": ("setgid", "high"),
        "srv/helper": ("setuid", "high"),
        "usr/bin/su": ("setuid", "low"),
    }


def _git(*words: str) -> str:
    return subprocess.check_output(["git", "-c", "user.name=T", "-c", "user.email=t@localhost", *words], text=True)


def test_each_text_that_a_history_ever_had_is_a_file_with_its_first_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Changed and removed ones, those of other branches, odd names; not what is binary or a link."""
    repository = tmp_path / "repository"
    repository.mkdir()
    monkeypatch.chdir(repository)
    _git("init", "--quiet", "--initial-branch=main")
    Path("a b\n.py").write_text("one\n")
    Path("data.bin").write_bytes(b"\0\1")
    Path("link").symlink_to("elsewhere")
    _git("add", "--all")
    _git("commit", "--quiet", "-m", "first")
    first = _git("rev-parse", "HEAD").strip()
    _git("checkout", "--quiet", "-b", "side")
    Path("side.py").write_text("side\n")
    _git("add", "--all")
    _git("commit", "--quiet", "-m", "side")
    side = _git("rev-parse", "HEAD").strip()
    _git("checkout", "--quiet", "main")
    _git("rm", "--quiet", "a b\n.py")
    _git("commit", "--quiet", "-m", "gone")
    blobs.main(tmp_path / "out", tmp_path / "index.json")
    index = json.loads((tmp_path / "index.json").read_text())
    texts = {path.read_text(): path.relative_to(tmp_path / "out") for path in (tmp_path / "out").rglob("*.py")}
    assert set(texts) == {"one\n", "side\n"}
    assert index[texts["one\n"].parts[0]] == [first, "a b\n.py"]
    assert index[texts["side\n"].parts[0]] == [side, "side.py"]
    assert not list((tmp_path / "out").rglob("*.bin"))
    assert not list((tmp_path / "out").rglob("link"))
