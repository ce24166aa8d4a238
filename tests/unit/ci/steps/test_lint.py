"""Whether the service has settings for mypy, and tools of its own."""

import pytest

from ci.steps.lint import locks, targets


@pytest.mark.parametrize(
    ("files", "given"),
    [
        ({"pyproject.toml": '[project]\nname = "x"'}, None),
        ({"pyproject.toml": "[tool.mypy]\nstrict = true"}, ["."]),
        ({"pyproject.toml": '[tool.mypy]\npackages = ["app"]'}, []),
        ({"setup.cfg": "[flake8]\nmax-line-length = 99"}, None),
        ({"setup.cfg": "[mypy]\nfiles = app"}, []),
        ({"mypy.ini": "[mypy]\nstrict = True\n[mypy-flask.*]\nignore_errors = True"}, ["."]),
        ({"mypy.ini": "[mypy]\n", "pyproject.toml": '[tool.mypy]\nfiles = "app"'}, ["."]),
        ({}, None),
    ],
)
def test_mypy_checks_what_its_settings_name_and_all_where_they_name_nothing(
    files: dict[str, str], given: list[str] | None
) -> None:
    """None: the service has no settings for it, so it is not run. The first file that has some counts."""
    assert targets(files) == given


@pytest.mark.parametrize(
    ("package", "found"), [("ruff", True), ("mypy", True), ("my", False), ("flask", False), ("extensions", False)]
)
def test_a_lock_file_tells_which_tools_the_service_has(package: str, found: bool) -> None:
    text = "# ruff==1\nRuff==0.9 \\\n    --hash=sha256:aa\nmypy==1.2\nmypy-extensions==1.0\n    # via flask==3\n"
    assert locks(text, package) is found
