"""Removing what a benchmark made in Docker."""

from pathlib import Path

from ci.engine.progress import Progress
from ci.engine.recipes import RecipeBook
from ci.engine.session import opened
from ci.engine.store import Store


def remove(root: Path, *names: str) -> None:
    """Remove the images that were made for the store at `root`, and those of these names; never what others need."""
    store = Store(root)
    with opened(store, Progress(quiet=True), RecipeBook(), Path.cwd()) as session:
        docker = session.docker()
        for image in docker.kept_images():
            if image.store == store.id or image.name in names:
                docker.remove_image(image.id)
