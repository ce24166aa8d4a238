"""The greeter: a small Flask service, run by gunicorn as `gunicorn -c app/gunicorn.conf.py "app:create_app()"`."""

from __future__ import annotations

import os

from flask import Flask

from app import logs, metrics, views
from app.settings import Settings, load_or_exit
from app.state import State

__all__ = ["Settings", "create_app"]

# No route reads a body; what is larger is answered 413 and not read.
MAX_BODY_BYTES = 64 * 1024


def create_app(settings: Settings | None = None) -> Flask:
    """The WSGI application.

    `settings` left out are read from the environment; a bad value there ends the process with one line on stderr.
    """
    state = State(settings=settings or load_or_exit(os.environ))
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.extensions[State.KEY] = state
    logs.install(app, version=state.settings.version)
    metrics.install(app, state)
    app.register_blueprint(views.blueprint)
    return app
