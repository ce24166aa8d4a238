"""The evidence of an environment's deployments in its bucket: a JSON document and a page for each.

A deployment has one name, whoever shepherds it, so a runner that takes it over adds to what the one before had written.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from . import page, stacks
from .clients import Aws
from .errors import AwsFault, code_of, translated
from .names import Names
from .report import Report, iso

FOLDER = "deployments"
OUTPUT = "EvidenceBucketName"
# What a report has that an earlier runner's may have more of.
GROWING = ("stages", "judgements", "foreign_hands", "notes")


@dataclass
class Shelf:
    """Where reports are kept; without a bucket (the stack is older than this) that is noted, and nothing else."""

    aws: Aws
    names: Names
    _bucket: str | None = None

    def keep(self, told: Report) -> None:
        """Writes document and page; a failure to do so is a note in the report, never the end of a deployment."""
        try:
            bucket = self.bucket()
            if not bucket:
                self._note(told, "the evidence is not kept: the environment has no bucket, run `provision`")
                return
            key = f"{FOLDER}/{told.short or iso(told.begun).replace(':', '') + '-' + told.outcome}"
            told.kept = f"s3://{bucket}/{key}"
            self._inherit(told, bucket, key)
            put = self.aws.s3.put_object
            put(Bucket=bucket, Key=f"{key}.json", Body=told.json().encode(), ContentType="application/json")
            put(Bucket=bucket, Key=f"{key}.html", Body=page.html(told.document()).encode(), ContentType="text/html")
        except AwsFault as error:
            told.kept = ""
            self._note(told, f"the evidence could not be kept: {translated(error)}")

    def documents(self) -> Iterator[dict[str, Any]]:
        """Every document that is kept, in the order of their keys."""
        bucket = self.bucket()
        token: dict[str, Any] = {}
        while bucket:
            answer = self.aws.s3.list_objects_v2(Bucket=bucket, Prefix=f"{FOLDER}/", **token)
            for row in answer.get("Contents", []):
                if row["Key"].endswith(".json") and (document := self._read(bucket, row["Key"])) is not None:
                    yield document
            if not answer.get("NextContinuationToken"):
                return
            token = {"ContinuationToken": answer["NextContinuationToken"]}

    def bucket(self) -> str:
        """Its name, by the output of its stack; empty where there is none."""
        if self._bucket is None:
            stack = stacks.look(self.aws, self.names.stack("evidence"))
            self._bucket = stack.outputs.get(OUTPUT, "") if stack else ""
        return self._bucket

    def _inherit(self, told: Report, bucket: str, key: str) -> None:
        """What another runner wrote of the same deployment stays in it, once."""
        if told.inherited is None:
            earlier = self._read(bucket, f"{key}.json") if told.short else None
            told.inherited = {name: earlier[name] for name in GROWING if earlier.get(name)} if earlier else {}

    def _read(self, bucket: str, key: str) -> dict[str, Any] | None:
        try:
            body = self.aws.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError as error:
            if code_of(error) == "NoSuchKey":
                return None
            raise
        with suppress(ValueError):
            document = json.loads(body)
            return document if isinstance(document, dict) else None
        return None

    def _note(self, told: Report, line: str) -> None:
        if line not in told.notes:
            told.notes.append(line)
            self.aws.progress(line)
