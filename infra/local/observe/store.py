"""All metrics of a region, in memory."""

from __future__ import annotations

import bisect
import math
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from infra.local.observe.values import Samples

KEPT_POINTS = 20_000  # of each metric: two weeks of minutes
SLACK = 1e-6  # of a period: times are floats


@dataclass(frozen=True, order=True)
class Metric:
    """What names a metric: all its dimensions belong to the name."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, namespace: str, name: str, dimensions: Mapping[str, str]) -> Metric:
        """Dimensions have no order."""
        return cls(namespace, name, tuple(sorted(dimensions.items())))


@dataclass
class Series:
    """A metric's samples by time, oldest first; times in seconds since the epoch. `unit` is the last one given."""

    unit: str = "None"
    times: list[float] = field(default_factory=list)
    samples: list[Samples] = field(default_factory=list)


class MetricStore:
    """Thread-safe."""

    def __init__(self) -> None:
        self._series: dict[Metric, Series] = {}
        self._lock = threading.Lock()

    def put(self, metric: Metric, time: float, samples: Samples, unit: str | None = None) -> None:
        """Keep samples; the oldest are forgotten where there are too many."""
        with self._lock:
            series = self._series.setdefault(metric, Series())
            place = bisect.bisect_right(series.times, time)
            series.times.insert(place, time)
            series.samples.insert(place, samples)
            series.unit = unit or series.unit
            if len(series.times) > KEPT_POINTS:
                del series.times[0], series.samples[0]

    def metrics(self) -> list[Metric]:
        """Every metric that has samples, sorted."""
        with self._lock:
            return sorted(self._series)

    def unit(self, metric: Metric) -> str:
        """The metric's unit."""
        with self._lock:
            series = self._series.get(metric)
            return series.unit if series is not None else "None"

    def between(self, metric: Metric, start: float, end: float) -> Samples:
        """All samples from `start` until before `end` in one."""
        merged = Samples()
        for _, samples in self._range(metric, start, end):
            merged.merge(samples)
        return merged

    def by_period(self, metric: Metric, start: float, end: float, period: float) -> dict[float, Samples]:
        """The same, split into periods by their beginning, which is a multiple of their length; empty ones left out."""
        found: dict[float, Samples] = {}
        for time, samples in self._range(metric, start, end):
            begin = math.floor(time / period + SLACK) * period
            found.setdefault(begin, Samples()).merge(samples)
        return found

    def _range(self, metric: Metric, start: float, end: float) -> Iterable[tuple[float, Samples]]:
        with self._lock:
            series = self._series.get(metric)
            if series is None:
                return []
            first, last = bisect.bisect_left(series.times, start - SLACK), bisect.bisect_left(series.times, end - SLACK)
            return list(zip(series.times[first:last], series.samples[first:last], strict=True))
