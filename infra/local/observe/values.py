"""Samples of a metric, kept as CloudWatch keeps them: how often each value came, so that percentiles can be told.

Source: CloudWatch user guide, "Statistics-definitions": a percentile is known where the samples are, and where all of
them have one value; a statistic set (PutMetricData's `StatisticValues`) has none otherwise.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from infra.local.observe.errors import InvalidValue

PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,10})?|100)")


@dataclass
class Samples:
    """Samples of one metric over some time; `whole` says whether `counts` (value to number) tells of each of them."""

    number: float = 0.0
    total: float = 0.0
    low: float = math.inf
    high: float = -math.inf
    counts: dict[float, float] = field(default_factory=dict)
    whole: bool = True

    @classmethod
    def of(cls, *values: float) -> Samples:
        """Those values, each once."""
        made = cls()
        for value in values:
            made.add(value)
        return made

    @classmethod
    def of_set(cls, number: float, total: float, low: float, high: float) -> Samples:
        """A statistic set, of which the single values are known only if they are all the same."""
        same = low == high
        return cls(number, total, low, high, {low: number} if same else {}, whole=same)

    def add(self, value: float, number: float = 1.0) -> None:
        """A value that came `number` times."""
        self.number += number
        self.total += value * number
        self.low, self.high = min(self.low, value), max(self.high, value)
        self.counts[value] = self.counts.get(value, 0.0) + number

    def merge(self, other: Samples) -> None:
        """All that another one has, too."""
        self.number += other.number
        self.total += other.total
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        self.whole = self.whole and other.whole
        for value, number in other.counts.items():
            self.counts[value] = self.counts.get(value, 0.0) + number

    def statistic(self, name: str) -> float | None:
        """A statistic by CloudWatch's name; None where it cannot be told. Raises InvalidValue for a name unknown."""
        if name in STATISTICS:
            return STATISTICS[name](self) if self.number else None
        return self._percentile(percentile(name))

    def _percentile(self, share: float) -> float | None:
        """The smallest value that at least this share of the samples does not exceed."""
        if not self.whole or not self.number:
            return None
        seen = 0.0
        for value in sorted(self.counts):
            seen += self.counts[value]
            if seen >= share * self.number:
                return value
        return self.high


def percentile(name: str) -> float:
    """The share that a statistic such as `p99.9` names; raises InvalidValue where it is none."""
    match = PERCENTILE.fullmatch(name)
    if match is None:
        raise InvalidValue(f"The value {name} for parameter Statistic is not supported.")
    return float(match[1]) / 100


STATISTICS: Mapping[str, Callable[[Samples], float]] = {
    "SampleCount": lambda samples: samples.number,
    "Sum": lambda samples: samples.total,
    "Average": lambda samples: samples.total / samples.number,
    "Minimum": lambda samples: samples.low,
    "Maximum": lambda samples: samples.high,
}
