"""Alarms: what they are defined as, the state they are in, and their history.

An alarm is kept where moto keeps its own, in the CloudWatch backend of its region, so that whoever looks for an alarm's
`state_value` by its name finds it there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from infra.local.clock import Clock
from infra.local.observe.errors import AlarmNotFound

Definition = Mapping[str, Any]  # PutMetricAlarm's or PutCompositeAlarm's input, without its tags
Json = dict[str, Any]
OK, ALARM, INSUFFICIENT = "OK", "ALARM", "INSUFFICIENT_DATA"
FIRST_REASON = "Unchecked: Initial alarm creation"
KEPT_HISTORY = 1000
SUMMARY = "Alarm updated from {} to {}"


@dataclass
class Alarm:
    """One alarm. `reason_data` is JSON or nothing; times are seconds since the epoch."""

    arn: str
    definition: Definition
    configured_at: float
    state_value: str = INSUFFICIENT
    reason: str = FIRST_REASON
    reason_data: str = ""
    updated_at: float = 0.0
    changed_at: float = 0.0
    history: list[Json] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The alarm's name."""
        return str(self.definition["AlarmName"])

    @property
    def rule(self) -> str | None:
        """The rule of a composite alarm; None for one on metrics."""
        return self.definition.get("AlarmRule")

    def record(self, kind: str, summary: str, data: Json, now: float) -> None:
        """Write a line of history; the oldest are forgotten."""
        entry = {
            "AlarmName": self.name,
            "AlarmType": "MetricAlarm" if self.rule is None else "CompositeAlarm",
            "Timestamp": datetime.fromtimestamp(now, UTC),
            "HistoryItemType": kind,
            "HistorySummary": summary,
            "HistoryData": json.dumps(data),
        }
        self.history = [*self.history, entry][-KEPT_HISTORY:]


class AlarmBook:
    """The alarms of one region. `alarms` is moto's own dictionary of them, in which others may put theirs."""

    def __init__(self, alarms: MutableMapping[str, Any], arn_prefix: str, clock: Clock) -> None:
        self._alarms = alarms
        self._prefix = arn_prefix
        self._clock = clock

    def all(self) -> list[Alarm]:
        """In the order of their names."""
        return sorted((each for each in list(self._alarms.values()) if isinstance(each, Alarm)), key=lambda a: a.name)

    def get(self, name: str) -> Alarm | None:
        """The alarm of that name."""
        found = self._alarms.get(name)
        return found if isinstance(found, Alarm) else None

    def state(self, name_or_arn: str) -> str | None:
        """An alarm's state, or None where there is no such alarm."""
        found = self.get(name_or_arn.removeprefix(self._prefix))
        return found.state_value if found is not None else None

    def existing(self, name: str) -> Alarm:
        """The alarm of that name; raises AlarmNotFound."""
        found = self.get(name)
        if found is None:
            raise AlarmNotFound(name)
        return found

    def define(self, definition: Definition) -> Alarm:
        """Make an alarm, or change one: its state stays as it is until it is looked at again."""
        now, name = self._clock.now(), str(definition["AlarmName"])
        found = self.get(name)
        verb = "created" if found is None else "updated"
        alarm = found or Alarm(f"{self._prefix}{name}", definition, now, updated_at=now, changed_at=now)
        alarm.definition, alarm.configured_at = dict(definition), now
        self._alarms[name] = alarm
        kind = "Create" if found is None else "Update"
        alarm.record("ConfigurationUpdate", f'Alarm "{name}" {verb}', {"version": "1.0", "type": kind}, now)
        return alarm

    def delete(self, name: str) -> None:
        """One that is not there is no error."""
        self._alarms.pop(name, None)

    def set_state(self, alarm: Alarm, state: str, reason: str, data: str = "") -> bool:
        """Put an alarm into a state; says whether that is another one, which history tells of."""
        now = self._clock.now()
        before = {"stateValue": alarm.state_value, "stateReason": alarm.reason}
        changed = state != alarm.state_value
        if changed or reason != alarm.reason:
            alarm.state_value, alarm.reason, alarm.reason_data, alarm.updated_at = state, reason, data, now
        if changed:
            alarm.changed_at = now
            after = {"stateValue": state, "stateReason": reason}
            states = {"version": "1.0", "oldState": before, "newState": after}
            alarm.record("StateUpdate", SUMMARY.format(before["stateValue"], state), states, now)
        return changed
