"""The page's colours can be read, in light and in dark."""

import itertools
import re
from pathlib import Path

import pytest

CSS = (Path(__file__).parents[4] / "ci/report/page.css").read_text(encoding="utf-8")
LIGHT, DARK = (dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6})", block)) for block in re.findall(r":root \{[^}]*\}", CSS))
LEAST = 4.5  # WCAG 2.2, 1.4.3, level AA: https://www.w3.org/TR/WCAG22/#contrast-minimum


def _luminance(colour: str) -> float:
    """https://www.w3.org/TR/WCAG22/#dfn-relative-luminance"""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("text", "ground"),
    list(itertools.product(("ink", "soft", "link", "good", "bad", "unsure"), ("ground", "raised"))),
)
def test_each_text_stands_out_from_what_is_behind_it(palette: dict[str, str], text: str, ground: str) -> None:
    light, dark = sorted((_luminance(palette[text]), _luminance(palette[ground])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= LEAST


def test_both_palettes_have_all_colours_and_are_not_the_same() -> None:
    assert LIGHT.keys() == DARK.keys()
    assert all(LIGHT[name] != DARK[name] for name in LIGHT)
