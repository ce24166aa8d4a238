"""What the tests talk to: a database or a store, from Debian's packages, with nothing kept from run to run."""

from collections.abc import Mapping
from dataclasses import dataclass

import dagger

from ci.steps import image

DATA = "/var/lib/postgresql/tests"
# Debian keeps the programs of each major version in a folder of its own.
POSTGRES = "exec $(echo /usr/lib/postgresql/*/bin)/"
INIT = f"{POSTGRES}initdb --pgdata {DATA} --auth trust --username postgres --no-sync"
OPEN = f"echo 'host all all all trust' >> {DATA}/pg_hba.conf"
SERVE = f"{POSTGRES}postgres -D {DATA} -c listen_addresses='*' -c fsync=off -c unix_socket_directories=/tmp"


@dataclass(frozen=True)
class Bound:
    """A service for the tests: its Debian package, user, preparation, command and port, and what tells of it."""

    package: str
    user: str
    prepare: tuple[str, ...]
    command: str
    port: int
    told: Mapping[str, str]


KNOWN = {
    "postgresql": Bound(
        "postgresql",
        "postgres",
        (INIT, OPEN),
        SERVE,
        5432,
        {
            "DATABASE_URL": "postgresql://postgres:postgres@postgresql:5432/postgres",
            "PGHOST": "postgresql",
            "PGUSER": "postgres",
            "PGPASSWORD": "postgres",
            "PGDATABASE": "postgres",
        },
    ),
    "redis": Bound(
        "redis-server",
        "redis",
        (),
        "exec redis-server --bind 0.0.0.0 --protected-mode no --save '' --dir /tmp",
        6379,
        {"REDIS_URL": "redis://redis:6379/0"},
    ),
}


def bind(container: dagger.Container, name: str) -> dagger.Container:
    """The container with a service under its name as host, and the variables by which it is found."""
    bound = KNOWN[name]
    return image.variables(container.with_service_binding(name, _service(bound)), bound.told)


def _service(bound: Bound) -> dagger.Service:
    # A server must not be started while the package is installed: nothing would stop it.
    quiet = "printf 'exit 101' > /usr/sbin/policy-rc.d && chmod +x /usr/sbin/policy-rc.d"
    made = image.base().with_exec(["sh", "-ec", f"{quiet} && {image.APT} {bound.package}"]).with_user(bound.user)
    for line in bound.prepare:
        made = made.with_exec(["sh", "-ec", line])
    return made.with_exposed_port(bound.port).as_service(args=["sh", "-ec", bound.command])
