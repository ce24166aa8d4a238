"""What `valueFrom` stands for: values of Secrets Manager and the Parameter Store, and ECS's words for a miss."""

import pytest

from infra.local.ecs.interfaces import TaskFailedToStart
from infra.local.ecs.secrets import SecretMissing, Secrets

SECRET = "arn:aws:secretsmanager:eu-north-1:123456789012:secret:db-abcdef"
PARAMETER = "arn:aws:ssm:us-east-1:123456789012:parameter/demo/key"


class FakeSources:
    """Texts by (name, stage, version), and parameters by name."""

    def __init__(self) -> None:
        self.secrets: dict[tuple[str, str | None, str | None], str] = {}
        self.parameters: dict[str, str] = {}
        self.regions: list[str] = []

    def of(self, region: str) -> "FakeSources":
        self.regions.append(region)
        return self

    def secret(self, name: str, stage: str | None, version: str | None) -> str:
        if (name, stage, version) not in self.secrets:
            raise SecretMissing("ResourceNotFoundException: Secrets Manager can't find the specified secret.")
        return self.secrets[name, stage, version]

    def parameter(self, name: str) -> str:
        if name not in self.parameters:
            raise SecretMissing(name)
        return self.parameters[name]


@pytest.fixture
def sources() -> FakeSources:
    return FakeSources()


@pytest.fixture
def secrets(sources: FakeSources) -> Secrets:
    return Secrets("eu-north-1", sources.of)


def test_a_secret_is_its_whole_text(sources: FakeSources, secrets: Secrets) -> None:
    sources.secrets[SECRET, None, None] = '{"user": "shop"}'

    assert secrets.value(SECRET) == '{"user": "shop"}'


@pytest.mark.parametrize(("key", "value"), [("user", "shop"), ("port", "5432"), ("options", '{"tls": true}')])
def test_a_member_of_a_secret_can_be_named(sources: FakeSources, secrets: Secrets, key: str, value: str) -> None:
    sources.secrets[SECRET, None, None] = '{"user": "shop", "port": 5432, "options": {"tls": true}}'

    assert secrets.value(f"{SECRET}:{key}::") == value


def test_a_stage_and_a_version_can_be_named(sources: FakeSources, secrets: Secrets) -> None:
    sources.secrets[SECRET, "AWSPREVIOUS", None] = "old"
    sources.secrets[SECRET, None, "9d4cb84b"] = "exact"

    assert secrets.value(f"{SECRET}::AWSPREVIOUS:") == "old"
    assert secrets.value(f"{SECRET}:::9d4cb84b") == "exact"


@pytest.mark.parametrize(("reference", "region"), [("/demo/key", "eu-north-1"), (PARAMETER, "us-east-1")])
def test_a_parameter_is_looked_up_in_the_region_that_it_names(
    sources: FakeSources, secrets: Secrets, reference: str, region: str
) -> None:
    sources.parameters[reference] = "value"

    assert secrets.value(reference) == "value"
    assert sources.regions == [region]


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        (SECRET, f"unable to retrieve secret from asm: .*failed to fetch secret {SECRET} from secrets manager: "
                 "ResourceNotFoundException: Secrets Manager can't find the specified secret."),
        ("/none", "unable to retrieve secrets from ssm: .*invalid ssm parameters: /none"),
        (f"{SECRET}:none::", "unable to retrieve secret from asm: .*did not contain json key none"),
        (f"{SECRET}:key:TEXT:", "is not a valid JSON object"),
        (f"{SECRET}:key:LIST:", "did not contain json key key"),
    ],
)  # fmt: skip
def test_what_is_missing_fails_the_task_in_ecss_words(
    sources: FakeSources, secrets: Secrets, reference: str, words: str
) -> None:
    if reference != SECRET:
        sources.secrets[SECRET, None, None] = "{}"
    sources.secrets[SECRET, "TEXT", None] = "plain"
    sources.secrets[SECRET, "LIST", None] = "[]"

    with pytest.raises(TaskFailedToStart, match=f"^ResourceInitializationError: .*{words}"):
        secrets.value(reference)
