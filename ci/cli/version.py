"""`cutover version`."""

import platform
from importlib.metadata import version as installed

import click


@click.command()
def version() -> None:
    """Print the version of cutover, of Dagger's API that its engine serves, and of the SDK."""
    from ci.engine.api import VERSION

    machine = f"{platform.system().lower()}/{platform.machine()}"
    click.echo(f"cutover {installed('cutover')} (Dagger API {VERSION}, dagger-io {installed('dagger-io')}) {machine}")
