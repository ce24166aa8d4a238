"""What one application object holds beside Flask's own configuration."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from flask import Flask, current_app
from prometheus_client import CollectorRegistry

from app.settings import Settings


@dataclass
class State:
    """Settings and metrics of one application, and whether it was told to stop (one plain flag: a signal sets it)."""

    KEY: ClassVar[str] = "greeter"

    settings: Settings
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    stopping: bool = False

    @classmethod
    def of(cls, app: Flask) -> State:
        """The state `create_app` gave `app`."""
        state = app.extensions[cls.KEY]
        assert isinstance(state, cls)
        return state


def current() -> State:
    """The state of the application that handles the request at hand."""
    return State.of(current_app)
