"""Dagger's own engine: whether to use it, and the same words given to its command line."""

from ci.cli.options import Options


def delegated(options: Options) -> bool:
    return False
