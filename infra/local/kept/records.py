"""moto's backends and our own records as one pickle, so that what refers to the same object still does afterwards.

moto can record calls and replay them, but a replay gives every resource another id; its objects can be pickled, but for
locks, keys and certificates, which are named here, and functions that it makes in place, which cloudpickle takes.
"""

from __future__ import annotations

import io
import logging
import pickle
import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, get_args

import cloudpickle
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from moto.backends import get_backend
from moto.core.base_backend import BackendDict, BaseBackend
from moto.iam.models import ManagedPolicy

ATTEMPTS = 5  # others change what is being read
PRIVATE_KEYS = get_args(PrivateKeyTypes)
LOCKS = (type(threading.Lock()), type(threading.RLock()))
UNREADABLE = (pickle.PickleError, EOFError, AttributeError, ImportError, KeyError, IndexError, TypeError, ValueError)
Name = tuple[str, str, str]  # service, account, region or partition

log = logging.getLogger(__name__)


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    """A backend that something refers to is named, not copied."""

    def reducer_override(self, record: Any) -> Any:
        """How the records that have no form of their own are made again."""
        if isinstance(record, BaseBackend):
            return backend, _name(record)
        if isinstance(record, ManagedPolicy) and _is_of_aws(record) and not record.attachment_count:
            return aws_policy, (record.account_id, record.arn)
        if isinstance(record, defaultdict) and type(record) is not defaultdict:
            return empty, (type(record), record.default_factory), vars(record), None, iter(list(record.items()))
        if isinstance(record, LOCKS):
            return threading.RLock, ()
        if isinstance(record, x509.Certificate):
            return certificate, (record.public_bytes(serialization.Encoding.PEM),)
        if isinstance(record, PRIVATE_KEYS):
            return private_key, (_pem(record),)
        return super().reducer_override(record)


def dump(own: Mapping[str, Any]) -> bytes:
    """All of moto's backends, and what is ours. A backend that cannot be pickled is left out, with a warning."""
    found = {_name(each): each for each in _backends() if not _is_untouched_iam(each)}
    try:
        return _pickled(found, own)
    except (pickle.PicklingError, TypeError, AttributeError):
        kept = {name: each for name, each in found.items() if _can_be_kept(name, each)}
        return _pickled(kept, own)


def load(records: bytes) -> Mapping[str, Any]:
    """Fill moto's backends; gives what is ours. Raises one of UNREADABLE."""
    document = pickle.loads(records)
    for name, members in document["backends"].items():
        vars(backend(*name)).update(members)
    own: Mapping[str, Any] = document["own"]
    return own


def backend(service: str, account: str, region: str) -> Any:
    """moto's backend of that name."""
    return get_backend(service)[account][region]  # type: ignore[call-overload]


def aws_policy(account: str, arn: str) -> Any:
    """A policy of AWS's own, of which moto brings a thousand."""
    return backend("iam", account, arn.split(":")[1]).managed_policies[arn]


def empty(kind: type[defaultdict[Any, Any]], factory: Any) -> defaultdict[Any, Any]:
    """A dictionary of a kind whose constructor asks for what only its maker knows."""
    made = kind.__new__(kind)
    made.default_factory = factory
    return made


def certificate(pem: bytes) -> x509.Certificate:
    """A certificate from its PEM."""
    return x509.load_pem_x509_certificate(pem)


def private_key(pem: bytes) -> PrivateKeyTypes:
    """A private key from its PEM."""
    return serialization.load_pem_private_key(pem, None)


def _pickled(backends: Mapping[Name, Any], own: Mapping[str, Any]) -> bytes:
    for attempt in range(1, ATTEMPTS + 1):
        scratch = io.BytesIO()
        try:
            members = {name: dict(vars(each)) for name, each in backends.items()}
            _Pickler(scratch, pickle.HIGHEST_PROTOCOL).dump({"backends": members, "own": own})
            return scratch.getvalue()
        except RuntimeError:  # a dictionary grew
            if attempt == ATTEMPTS:
                raise
    raise AssertionError("unreachable")


def _can_be_kept(name: Name, each: Any) -> bool:
    try:
        _pickled({name: each}, {})
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        log.warning("the records of %s in %s are not kept: %s", name[0], name[2], error)
        return False
    return True


def _backends() -> Iterable[Any]:
    for services in list(BackendDict._instances):  # type: ignore[misc]
        for regions in list(services.values()):
            yield from list(regions.values())


def _name(each: Any) -> Name:
    return type(each).__module__.split(".")[1], each.account_id, each.region_name


def _is_untouched_iam(each: Any) -> bool:
    """moto makes one for every partition, each with a thousand policies of AWS's own."""
    if _name(each)[0] != "iam":
        return False
    policies = any(not _is_of_aws(policy) for policy in each.managed_policies.values())
    return not (policies or each.users or each.roles or each.groups or each.instance_profiles)


def _is_of_aws(policy: Any) -> bool:
    return str(policy.arn).split(":")[4] == "aws"


def _pem(key: Any) -> bytes:
    pem: bytes = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem
