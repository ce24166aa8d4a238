"""`scan-report` and `scan` of a repository with one of each evil, and of a clean one, on real Docker."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.vulnerability_database import write

ROOT = Path(__file__).parents[2]
CUTOVER = [sys.executable, "-P", "-c", "from ci.cli.main import main; main()"]
CALL_SECONDS = 500
IDENTITY = ["-c", "user.name=Test", "-c", "user.email=test@localhost"]
# No secrets: of nobody, and in two parts, so that they are not found here.
TOKEN, OTHER = "ghp_" + "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8", "ghp_" + "Z9y8X7w6V5u4T3s2R1q0P9o8N7m6L5k4J3i2"
SETTINGS = """\
[tool.cutover]
name = "shop"
wsgi = "shop:app"
include = ["shop.py"]
tests = []
"""
ENVIRONMENTS = '[tool.cutover.environments.production]\nstrategy = "blue-green"\n'
SHOP = """\
def app(environ, start_response):
    start_response("200 OK", [])
    return [{}]
"""
GUNICORN = """\
gunicorn==27.0.1 \\
    --hash=sha256:378b26b9a38adcf4592f28828233c1716acc55e833ea06bf48719782efaa0d10 \\
    --hash=sha256:b1514965361c8b7e8107a80aa2a92636878df1ccfac6dd204a676426e04d9e3e
"""
EVIL_LOCK = f"""\
{GUNICORN}idna==3.6 \\
    --hash=sha256:9ecdbbd083b06798ae1e86adcbfe8ab1479cf864e4ee30fe4e46a003d12491ca \\
    --hash=sha256:c05567e9c24a6b9faaa835c4821bad0590fbb9d5779e7caa6e1cc4978e7eb24f
unidecode==1.4.0 \\
    --hash=sha256:c3c7606c27503ad8d501270406e345ddb480a7b5f38827eafe4fa82a137f0021 \\
    --hash=sha256:ce35985008338b676573023acc382d62c264f307c8f7963733405add37ea2b23
"""
# The secret of the layer is made in the build: neither the source nor the history has it.
BEFORE = f"""\
before = [
    "printf 'TOKEN = \\"%s%s\\"\\\\n' {OTHER[:4]} {OTHER[4:]} > made.py",
    "cp /bin/true helper && chmod 4755 helper",
]
"""
GROUP = """\
AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  Network:
    Type: AWS::EC2::VPC::Id
Resources:
  Group:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: Who reaches the service
      VpcId: !Ref Network
      SecurityGroupIngress:
        - {IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: ADDRESSES, Description: Administration}
"""
EVILS = {
    "secret in history": ("github-pat", "old.py", 2, "history"),
    "secret in a layer": ("github-pat", "srv/made.py", 1, "image"),
    "vulnerable dependency": ("CVE-2024-3651", "requirements.txt", 4, "source"),
    "eval of input": ("B307", "shop.py", 3, "source"),
    "open security group": ("AWS-0107", "infra/group.yaml", 12, "source"),
    "setuid file": ("setuid", "srv/helper", None, "image"),
}

pytestmark = [pytest.mark.docker, pytest.mark.prove]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vulnerability database that knows one vulnerability."""
    folder = tmp_path_factory.mktemp("database")
    write(folder, "idna", "CVE-2024-3651", "3.7", datetime.now(UTC) - timedelta(hours=3))
    return folder


def _repository(folder: Path, *commits: dict[str, str | None]) -> Path:
    """A repository of these commits: the text of each file, None where it is removed."""
    folder.mkdir()
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    for files in commits:
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).unlink(missing_ok=True) if text is None else (folder / name).write_text(text)
        subprocess.run(["git", "add", "--all"], cwd=folder, check=True)
        subprocess.run(["git", *IDENTITY, "commit", "--quiet", "-m", "feat: a shop"], cwd=folder, check=True)
    return folder


def _ran(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*CUTOVER, "call", "--progress", "quiet", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=CALL_SECONDS,
        check=False,
    )


def _report(folder: Path, target: Path, database: Path) -> dict[str, Any]:
    done = _ran(folder, "scan-report", "--database", str(database), "export", "--path", str(target))
    assert done.returncode == 0, done.stderr[-4000:]
    found: dict[str, Any] = json.loads((target / "scan.json").read_text())
    return found


def test_each_evil_is_found_in_its_file_and_line_and_stops_a_release(tmp_path: Path, database: Path) -> None:
    """Those of EVILS, and a GPL licence; the history's with its commit, and no secret in any of the reports."""
    shop = SHOP.format('str(eval(environ["QUERY_STRING"])).encode()')
    first: dict[str, str | None] = {"old.py": f'"""Old."""\nTOKEN = "{TOKEN}"\n'}
    second: dict[str, str | None] = {
        "old.py": None,
        "pyproject.toml": SETTINGS + BEFORE + ENVIRONMENTS,
        "shop.py": shop,
        "requirements.txt": EVIL_LOCK,
        "infra/group.yaml": GROUP.replace("ADDRESSES", "0.0.0.0/0"),
    }
    folder = _repository(tmp_path / "evil", first, second)
    report = _report(folder, tmp_path / "report", database)
    stopping = {(row["rule"], row["path"], row["line"], row["place"]) for row in report["findings"] if row["stops"]}
    assert set(EVILS.values()) <= stopping, report["findings"]
    (secret,) = [row for row in report["findings"] if row["place"] == "history"]
    commit = subprocess.check_output(["git", "rev-list", "--max-parents=0", "HEAD"], cwd=folder, text=True).strip()
    assert secret["commit"] == commit
    licences = {row["package"].lower() for row in report["findings"] if row["kind"] == "licence" and row["stops"]}
    assert licences == {"unidecode"}
    assert all(row["path"].endswith(".dist-info/METADATA") for row in report["findings"] if row["kind"] == "licence")
    assert report["outcome"] == "failed"
    files = {path.name for path in (tmp_path / "report").iterdir()}
    assert {"scan.sarif", "sbom.cdx.json", "sbom.spdx.json", "scan.junit.xml", "summary.md"} <= files
    assert TOKEN not in "".join(path.read_text() for path in (tmp_path / "report").iterdir())
    done = _ran(folder, "scan", "--database", str(database))
    assert done.returncode == 1
    assert "old.py:2 (commit " in done.stderr + done.stdout


def test_a_clean_repository_gives_no_finding_and_without_a_database_no_green(tmp_path: Path, database: Path) -> None:
    """What could not be scanned is told, and red where it is asked for production."""
    files: dict[str, str | None] = {
        "pyproject.toml": SETTINGS + ENVIRONMENTS,
        "shop.py": SHOP.format('b"Hello"'),
        "requirements.txt": GUNICORN,
        "infra/group.yaml": GROUP.replace("ADDRESSES", "10.0.0.0/8"),
    }
    folder = _repository(tmp_path / "clean", files)
    report = _report(folder, tmp_path / "report", database)
    assert report["findings"] == []
    assert not any(row["broken"] for row in report["scanners"])
    assert next(row for row in report["scanners"] if row["name"] == "database")["not_scanned"] == ""
    old = tmp_path / "old"
    write(old, "idna", "CVE-2024-3651", "3.7", datetime.now(UTC) - timedelta(days=30))
    done = _ran(folder, "scan", "--database", str(old), "--environment", "production")
    assert done.returncode == 1
    assert "the database is 30 days old, more than database-days = 7" in done.stderr + done.stdout
