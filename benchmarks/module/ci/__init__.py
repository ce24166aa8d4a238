"""What the benchmark calls: functions with no step, with four steps, and with a service."""

from typing import Annotated

import dagger
from dagger import DefaultPath, dag, function, object_type

Shop = Annotated[dagger.Directory, DefaultPath("/shop")]
ASK = "import urllib.request as u; print(u.urlopen('http://shop:5000/').read().decode())"
PAGE = "import shop; print(shop.app({}, lambda *_: None)[0].decode())"


@object_type
class ShopCi:
    """The shop's pipeline."""

    @function
    def hello(self, name: str = "world") -> str:
        """A greeting; runs nothing."""
        return f"hello {name}"

    @function
    def base(self) -> dagger.Container:
        """Python, with a virtual environment."""
        return dag.container().from_("python:3.13-slim").with_exec(["python3", "-m", "venv", "--without-pip", "/venv"])

    @function
    async def test(self, shop: Shop) -> str:
        """Four steps, of which the last reads the shop's source."""
        return await (
            self.base()
            .with_exec(["/venv/bin/python", "--version"])
            .with_exec(["/venv/bin/python", "-m", "compileall", "-q", "/venv/lib"])
            .with_directory("/src/shop", shop)
            .with_workdir("/src")
            .with_exec(["/venv/bin/python", "-c", PAGE])
            .stdout()
        )

    @function
    async def chain(self, steps: int) -> str:
        """A chain of steps, each on top of the one before."""
        container = self.base()
        for number in range(steps):
            container = container.with_exec(["touch", f"/{number}"])
        return await container.with_exec(["ls", "/"]).stdout()

    @function
    async def smoke(self, shop: Shop) -> str:
        """Ask the shop as a service."""
        served = self.base().with_directory("/src/shop", shop).with_workdir("/src").with_exposed_port(5000)
        service = served.as_service(args=["/venv/bin/python", "-m", "shop"])
        return await self.base().with_service_binding("shop", service).with_exec(["python3", "-c", ASK]).stdout()

    @function
    async def digest(self, source: dagger.Directory) -> str:
        """The digest of a folder."""
        return await source.digest()
