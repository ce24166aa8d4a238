"""What commands gave, and what is kept of it in the store."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ci.engine import output
from ci.engine.errors import ExecError
from ci.engine.state import Exec
from ci.engine.store import Store


@dataclass(frozen=True)
class Outcome:
    """What a command gave.

    Attributes:
        image: Docker's id of its file system afterwards.
        exit_code: 0 to 255.
        outputs: its streams, as `output.Output.records` gives them.
        mounts: what it left in mounted directories and files: the digests of their trees, by path.
    """

    store: Store
    image: str
    exit_code: int
    outputs: Mapping[str, Any]
    mounts: Mapping[str, str]

    @property
    def stdout(self) -> str:
        """The whole of stdout."""
        return output.text(self.store, self.outputs["stdout"])

    @property
    def stderr(self) -> str:
        """The whole of stderr."""
        return output.text(self.store, self.outputs["stderr"])

    @property
    def combined(self) -> str:
        """Both, as they came."""
        return output.text(self.store, self.outputs["combined"])

    def error(self, step: Exec) -> ExecError:
        """The outcome as the error it is, its streams trimmed as Dagger trims them."""
        texts = (output.error_text(self.store, self.outputs[name]) for name in ("stdout", "stderr"))
        return ExecError(step.args, self.exit_code, *texts)

    def keep(self, key: str, name: str) -> None:
        """Keep it under a step's key; `name` is how the step is shown."""
        record = {"image": self.image, "exit_code": self.exit_code, "outputs": self.outputs, "mounts": self.mounts}
        self.store.put_record("exec", key, {**record, "name": name})

    @classmethod
    def find(cls, store: Store, key: str) -> "Outcome | None":
        """What is kept under a step's key, None where a part of it is gone."""
        record = store.get_record("exec", key)
        if record is None or "outputs" not in record:
            return None
        if not all(output.available(store, row) for row in record["outputs"].values()):
            return None
        if not all(store.has_record("tree", digest) for digest in record["mounts"].values()):
            return None
        return cls(store, record["image"], record["exit_code"], record["outputs"], record["mounts"])


def allowed(expect: str, exit_code: int) -> bool:
    """Whether `withExec(expect)` allows an exit code (Dagger's ReturnType)."""
    return expect == "ANY" or (exit_code == 0) == (expect == "SUCCESS")
