"""What uv is asked for each form of dependencies, and what is refused before it is asked."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from ci.locker.errors import SameFileError, UnfoundError, UnreadableError, UvError
from ci.locker.lock import lock, uv
from ci.settings import Settings

LOCK, TEST_LOCK = "requirements.lock", "requirements-test.lock"
SETTINGS = Settings("shop", "app:app", lock=LOCK, tests=(), test_lock=TEST_LOCK)
TESTED = Settings("shop", "app:app", lock=LOCK, test_lock=TEST_LOCK)
POETRY = '[tool.poetry.dependencies]\npython = "^3.11"\nflask = "^3"\nredis = {version = "^5", extras = ["hiredis"]}\n'
POETRY_LOCK = "".join(
    f'[[package]]\nname = "{name}"\nversion = "{version}"\n'
    for name, version in (("flask", "3.0.3"), ("redis", "5.1.0"), ("numpy", "1.26.0"), ("numpy", "2.1.0"))
)
PIPFILE_LOCK = {
    "default": {"flask": {"version": "==3.0.3"}, "tomli": {"version": "==2.0.1", "markers": "python_version < '3.11'"}},
    "develop": {"requests": {"version": "==2.32.0", "extras": ["socks"]}},
}


class FakeUv:
    """Remembers what it was asked, and writes a lock of one line."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.given: list[list[str]] = []
        self.found: list[str] = []
        self.constraints: list[str] = []

    def __call__(self, words: Sequence[str], given: str) -> str:
        if words[0] == "export":
            self.asked.append(list(words))
            return "flask==3.0.3 --hash=sha256:00\n"
        place = Path(words[words.index("--output-file") + 1])
        self.found.append(place.read_text(encoding="utf-8") if place.is_file() else "")
        self.constraints.append(Path(words[words.index("--constraints") + 1]).read_text(encoding="utf-8"))
        self.asked.append(list(words))
        self.given.append(given.splitlines())
        place.write_text("made --hash=sha256:00\n", encoding="utf-8")
        return ""


@pytest.fixture
def fake() -> FakeUv:
    return FakeUv()


def written(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def locked(root: Path, fake: FakeUv, settings: Settings = SETTINGS, upgrade: bool = False) -> list[str]:
    target = root / ".target"
    target.mkdir(exist_ok=True)
    return lock(root, settings, target, fake, upgrade)


def test_plain_requirements_are_locked_with_the_server(tmp_path: Path, fake: FakeUv) -> None:
    """uv reads the file itself; gunicorn comes over stdin, whether the file names it or not."""
    assert locked(written(tmp_path, {"requirements.txt": "flask\n"}), fake) == [LOCK]
    assert fake.asked[0][-2:] == ["requirements.txt", "-"] and fake.given == [["gunicorn"]]
    assert "--generate-hashes" in fake.asked[0] and "--universal" in fake.asked[0]
    assert not any("index" in word for word in fake.asked[0])


def test_a_service_without_dependencies_needs_the_server_alone(tmp_path: Path, fake: FakeUv) -> None:
    """Plain WSGI needs nothing else."""
    locked(tmp_path, fake)
    assert fake.given == [["gunicorn"]]


def test_the_lock_is_for_the_python_of_the_settings(tmp_path: Path, fake: FakeUv) -> None:
    """Another Python, other versions."""
    root = written(tmp_path, {"requirements.txt": "flask\n"})
    locked(root, fake, Settings("a", "app:app", lock=LOCK, tests=(), python="3.11"))
    assert fake.asked[0][fake.asked[0].index("--python-version") + 1] == "3.11"


def test_what_is_pinned_stays_until_an_upgrade(tmp_path: Path, fake: FakeUv) -> None:
    """uv keeps the versions of its output file: the lock that is there is put in that place first."""
    before = "flask==3.0.0 --hash=sha256:00\n"
    root = written(tmp_path, {"requirements.txt": "flask\n", LOCK: before})
    locked(root, fake)
    locked(root, fake, upgrade=True)
    assert fake.found == [before, before]
    assert ["--upgrade" in words for words in fake.asked] == [False, True]


def test_the_tests_lock_has_the_services_versions(tmp_path: Path, fake: FakeUv) -> None:
    """Their own file and tools beside the service's, constrained by its lock."""
    root = written(tmp_path, {"requirements.txt": "flask\n", "requirements-dev.txt": "requests\n"})
    assert locked(root, fake, TESTED) == [LOCK, TEST_LOCK]
    assert fake.asked[1][-3:] == ["requirements.txt", "requirements-dev.txt", "-"]
    assert fake.given[1] == ["gunicorn", "pytest", "pytest-cov"]
    assert str(tmp_path / ".target" / LOCK) in fake.asked[1]


def test_poetrys_lock_gives_the_versions_and_its_tables_the_names(tmp_path: Path, fake: FakeUv) -> None:
    """A package that it has twice, by platform, is left to uv."""
    dev = '[tool.poetry.group.dev.dependencies]\nrequests = "*"\n'
    locked(written(tmp_path, {"pyproject.toml": POETRY + dev, "poetry.lock": POETRY_LOCK}), fake, TESTED)
    assert fake.given[0] == ["flask", "redis[hiredis]", "gunicorn"]
    assert fake.constraints[0].split() == ["flask==3.0.3", "redis==5.1.0"]
    assert fake.given[1] == ["flask", "redis[hiredis]", "gunicorn", "requests", "pytest", "pytest-cov"]


def test_poetry_with_a_standard_project_leaves_its_names_to_uv(tmp_path: Path, fake: FakeUv) -> None:
    """Poetry 2 keeps names in [project]; their versions are in its lock all the same."""
    project = '[project]\nname = "a"\ndependencies = ["flask"]\n'
    locked(written(tmp_path, {"pyproject.toml": project, "poetry.lock": POETRY_LOCK}), fake)
    assert fake.asked[0][-2:] == ["pyproject.toml", "-"] and "flask==3.0.3" in fake.constraints[0]


def test_pipenvs_lock_is_taken_as_it_is(tmp_path: Path, fake: FakeUv) -> None:
    """`default` for the service, `develop` for the tests, with markers and extras."""
    locked(written(tmp_path, {"Pipfile.lock": json.dumps(PIPFILE_LOCK)}), fake, TESTED)
    assert fake.given[0] == ["flask==3.0.3", "tomli==2.0.1 ; python_version < '3.11'", "gunicorn"]
    assert "requests[socks]==2.32.0" in fake.given[1]


def test_uvs_lock_is_exported_frozen(tmp_path: Path, fake: FakeUv) -> None:
    """Without the development group for the service, with all groups for the tests."""
    locked(written(tmp_path, {"backend/uv.lock": ""}), fake, TESTED)
    exports = [words for words in fake.asked if words[0] == "export"]
    assert all({"--frozen", "--no-emit-project", "backend"} <= set(words) for words in exports)
    assert ["--no-dev" in words for words in exports] == [True, True, False]


@pytest.mark.parametrize(
    ("project", "words"),
    [
        ('[dependency-groups]\ndev = ["x"]\ntest = ["y"]\n', ["--group=pyproject.toml:test"]),
        ('[project.optional-dependencies]\ntests = ["y"]\n', ["--extra=tests"]),
    ],
)
def test_groups_and_extras_of_tests_are_found(tmp_path: Path, fake: FakeUv, project: str, words: list[str]) -> None:
    """The tests' own before those of all development."""
    text = f'[project]\nname = "a"\ndependencies = ["flask"]\n{project}'
    locked(written(tmp_path, {"pyproject.toml": text}), fake, TESTED)
    assert [word for word in fake.asked[1] if word.startswith(("--group", "--extra"))] == words


def test_settings_name_files_and_groups_anywhere(tmp_path: Path, fake: FakeUv) -> None:
    """`FILE:GROUP` is a group of a pyproject.toml; what is found otherwise is not asked."""
    root = written(tmp_path, {"requirements.txt": "", "deps/web.txt": "flask\n", "pyproject.toml": ""})
    locked(root, fake, Settings("a", "a:a", lock=LOCK, tests=(), requirements=("deps/web.txt", "pyproject.toml:web")))
    assert fake.asked[0][-3:] == ["deps/web.txt", "--group=pyproject.toml:web", "-"]


def test_a_lock_of_its_own_input_needs_hashes(tmp_path: Path, fake: FakeUv) -> None:
    """A list that people keep is not written over; one with hashes is made anew, with what it lacks."""
    settings = Settings("a", "a:a", lock="requirements.txt", tests=())
    with pytest.raises(SameFileError, match=r"'requirements.txt' is the file .* set lock"):
        locked(written(tmp_path, {"requirements.txt": "flask\n"}), fake, settings)
    written(tmp_path, {"requirements.txt": "flask==3 --hash=sha256:00\n"})
    assert locked(tmp_path, fake, settings) == ["requirements.txt"]


def test_what_cannot_be_locked_is_one_sentence(tmp_path: Path, fake: FakeUv) -> None:
    """A file that is not there, one that is not what its name says."""
    with pytest.raises(UnreadableError, match=r"^none\.txt cannot be locked: it is not there"):
        locked(tmp_path, fake, Settings("a", "a:a", requirements=("none.txt",)))
    with pytest.raises(UnreadableError, match=r"^Pipfile\.lock cannot be locked"):
        locked(written(tmp_path, {"Pipfile.lock": "{"}), fake)


def test_uvs_own_words_are_told(tmp_path: Path) -> None:
    """What it says of versions that do not fit is better than anything that could be said here."""
    with pytest.raises(UvError, match=r"could not lock the dependencies:\n.*unrecognized subcommand"):
        uv(tmp_path)(["no-such-command"], "")


def test_dependencies_that_are_not_found_are_no_lock_of_the_server_alone(tmp_path: Path, fake: FakeUv) -> None:
    """A Pipfile without its lock: nothing is written."""
    root = written(tmp_path, {"Pipfile": "[packages]\nflask = '*'\n"})
    with pytest.raises(UnfoundError, match="make it: pipenv lock"):
        lock(root, SETTINGS, root, fake)
    assert not (root / LOCK).exists()
