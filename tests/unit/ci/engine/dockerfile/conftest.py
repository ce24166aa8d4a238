"""A store for the tests of Dockerfiles."""

from pathlib import Path

import pytest

from ci.engine.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")
