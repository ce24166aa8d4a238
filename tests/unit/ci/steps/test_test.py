"""What coverage is measured of."""

import pytest

from ci.settings import Settings
from ci.steps.test import measured


@pytest.mark.parametrize(
    ("include", "names"),
    [
        (("**",), ["."]),
        (("app/**", "!app/requirements*.txt"), ["app"]),
        (("shop.py",), ["shop"]),
        (("shop/web.py", "shop/*.html", "util.py"), ["shop", "util"]),
        (("*.py",), ["."]),
    ],
)
def test_coverage_is_of_the_folders_and_modules_that_go_into_the_image(
    include: tuple[str, ...], names: list[str]
) -> None:
    assert measured(Settings("shop", "shop:app", include=include)) == names
