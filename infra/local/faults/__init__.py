"""Faults that a test orders: the n-th call of an operation is throttled, fails, comes late, or loses its answer."""

from infra.local.faults.book import Fault, FaultBook, FaultRefused
from infra.local.faults.client import FaultClient

__all__ = ["Fault", "FaultBook", "FaultClient", "FaultRefused"]
