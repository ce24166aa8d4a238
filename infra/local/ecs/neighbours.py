"""The services beside ECS that moto serves: CloudWatch Logs and alarms, Secrets Manager, SSM, STS, EventBridge.

moto's backends are called in process; what they raise becomes the error of the interface, in AWS's words.
"""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC
from typing import Any

from infra.local.ecs.interfaces import Credentials, LogTarget
from infra.local.ecs.logs import LogRefused
from infra.local.ecs.secrets import SecretMissing

NO_SECRET = "Secrets Manager can't find the specified secret."
SESSION_SECONDS = 6 * 3600  # a task role's credentials last so long, as ECS's do

log = logging.getLogger(__name__)
Backends = Callable[[str], Any]  # region to moto's backend


class MotoLogs:
    """The `LogService`."""

    def __init__(self, backends: Backends) -> None:
        self._backends = backends

    def create(self, target: LogTarget) -> None:
        """Make the stream, and its group if the target says so."""
        backend = self._backends(target.region)
        if target.create_group:
            backend.ensure_log_group(target.group)
        if target.group not in backend.groups:
            raise LogRefused("ResourceNotFoundException: The specified log group does not exist.")
        backend.ensure_log_stream(target.group, target.stream)

    def last(self, target: LogTarget) -> float:
        """When the stream's last event was."""
        events = self._backends(target.region).groups[target.group].streams[target.stream].events
        return max((float(event.timestamp) for event in events), default=0.0) / 1000

    def put(self, target: LogTarget, events: Sequence[tuple[float, str]]) -> None:
        """Append events; a group or stream that was deleted meanwhile takes no more."""
        from moto.core.exceptions import JsonRESTError, ServiceException

        entries = [{"timestamp": int(at * 1000), "message": text} for at, text in events]
        try:
            self._backends(target.region).put_log_events(target.group, target.stream, entries)
        except (JsonRESTError, ServiceException) as error:
            raise LogRefused(str(error)) from error


class MotoSecrets:
    """The `SecretSources` of one region."""

    def __init__(self, secrets: Any, parameters: Any) -> None:
        self._secrets = secrets
        self._parameters = parameters

    def secret(self, name: str, stage: str | None, version: str | None) -> str:
        """A secret's text by ARN or name."""
        from moto.core.exceptions import JsonRESTError, ServiceException

        try:
            found = self._secrets.get_secret_value(name, version, stage)
        except KeyError as error:
            raise SecretMissing(f"ResourceNotFoundException: {NO_SECRET}") from error
        except (JsonRESTError, ServiceException) as error:
            raise SecretMissing(f"{getattr(error, 'error_type', type(error).__name__)}: {error.message}") from error
        return str(found.get("SecretString", ""))

    def parameter(self, name: str) -> str:
        """A parameter's value, decrypted."""
        found = self._parameters.get_parameters([name])
        if name not in found:
            raise SecretMissing(f"invalid ssm parameters: {name}")
        return str(found[name].response_object(True)["Value"])


class RegionAlarms:
    """The `Alarms` of one region. `state` takes region and name, and gives an alarm's state, or None for no alarm."""

    def __init__(self, region: str, state: Callable[[str, str], str | None]) -> None:
        self._region = region
        self._state = state

    def in_alarm(self, names: Sequence[str]) -> list[str]:
        """Those of the alarms that are in the state ALARM."""
        return [name for name in names if self._state(self._region, name) == "ALARM"]


class MotoEvents:
    """The `Notices` of one region. A thread of its own puts them, in their order."""

    def __init__(self, backend: Callable[[], Any]) -> None:
        self._backend = backend
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="events")

    def put(self, detail_type: str, resources: Sequence[str], detail: Mapping[str, Any]) -> None:
        """Hand it to the thread, after what was put before."""
        entry = {
            "Source": "aws.ecs",
            "DetailType": detail_type,
            "Resources": list(resources),
            "Detail": json.dumps(detail),
        }
        with contextlib.suppress(RuntimeError):  # the instance is going down
            self._thread.submit(self._put, entry)

    def close(self) -> None:
        """Put what waits, then no more."""
        self._thread.shutdown()

    def _put(self, entry: dict[str, Any]) -> None:
        try:
            self._backend().put_events([entry])
        except Exception:  # a thread's boundary: a rule's target that does not work is no affair of ECS
            log.exception("an event was not put: %s", entry)


class MotoRoles:
    """The `Roles`."""

    def __init__(self, backend: Any, region: str) -> None:
        self._backend = backend
        self._region = region

    def assume(self, role_arn: str, session_name: str) -> Credentials:
        """A new session, of a kind that the API takes for the role's."""
        role = self._backend.assume_role(
            region_name=self._region, role_session_name=session_name, role_arn=role_arn, policy=None,
            duration=SESSION_SECONDS, external_id=None,
        )  # fmt: skip
        expiration = role.expiration.replace(tzinfo=UTC).timestamp()  # moto's times are naive
        return Credentials(role.access_key_id, role.secret_access_key, role.session_token, expiration)


def connect_autoscaling(backend: Any, known: Callable[[str, str], bool]) -> None:
    """Have Application Auto Scaling look for services in our ECS: `known` takes cluster and service."""

    class Services:
        """The one method of moto's ECS backend that moto's Application Auto Scaling calls."""

        @staticmethod
        def describe_services(cluster: str, names: Sequence[str]) -> tuple[list[str], list[str]]:
            """(found, missing)."""
            return [each for each in names if known(cluster, each)], []

    backend.ecs_backend = Services()
