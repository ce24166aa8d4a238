"""What docs/recipes.md says is what the shapes of repositories need, and is taken."""

import re
from pathlib import Path

import pytest

from ci.settings import Settings
from tests.shapes import SHAPES

ROOT = Path(__file__).parents[2]
RECIPES = (ROOT / "docs/recipes.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", RECIPES, re.MULTILINE | re.DOTALL))
LEAST = '[tool.cutover]\nwsgi = "app:app"\n'


def _lines(section: str) -> list[str]:
    return "".join(re.findall(r"```toml\n(.*?)```", section, re.DOTALL)).splitlines()


def _tried(section: str) -> set[str]:
    return {name for text in re.findall(r"Tried\s+with: ([^.]*)\.", section) for name in re.findall(r"`([^`]+)`", text)}


@pytest.mark.parametrize("section", SECTIONS.values(), ids=SECTIONS)
def test_the_settings_of_a_recipe_are_taken(section: str) -> None:
    """Each line is one that `[tool.cutover]` has."""
    Settings.parse(LEAST + "\n".join(_lines(section)))


def test_every_shape_is_in_a_recipe_and_the_other_way_round() -> None:
    """What is said to be tried is tried."""
    named = {name for section in SECTIONS.values() for name in _tried(section)} - {"requirements/base.txt"}
    assert named == set(SHAPES)


@pytest.mark.parametrize("name", [name for name, shape in SHAPES.items() if shape.settings])
def test_the_lines_that_a_shape_needs_are_in_its_recipe(name: str) -> None:
    """A user finds them there."""
    section = next(text for text in SECTIONS.values() if name in _tried(text))
    assert set(SHAPES[name].settings) <= set(_lines(section))


def test_every_recipe_says_what_it_is_tried_with() -> None:
    """A repository, or a file of tests that is there; what is not tried says so."""
    for title, section in SECTIONS.items():
        files = re.findall(r"Tried\s+by\s+`(tests/[\w/.]+)`", section)
        assert _tried(section) or files or "Not tried by a test yet." in section, title
        assert all((ROOT / file).is_file() for file in files), title
