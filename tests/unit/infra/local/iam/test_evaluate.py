"""Policy evaluation: the user guide's logic, element by element."""

import json
from typing import Any

import pytest

from infra.local.iam.evaluate import (
    BOUNDARY,
    IDENTITY,
    RESOURCE,
    SESSION,
    Decision,
    Policies,
    Question,
    evaluate,
    evaluate_trust,
)
from infra.local.iam.policy import Policy, PolicyMalformed, parse_policy

SERVICE = "arn:aws:ecs:eu-north-1:123456789012:service/demo/greeter"
ROLE = "arn:aws:iam::123456789012:role/deployer"
ROOT = "arn:aws:iam::123456789012:root"


def policy(*statements: dict[str, Any]) -> Policy:
    return parse_policy({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: Any = "ecs:UpdateService", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any = "*", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {**allow(action, resource, **more), "Effect": "Deny"}


def ask(action: str = "ecs:UpdateService", resource: str = SERVICE, **context: str) -> Question:
    keys = {key.lower(): (value,) for key, value in context.items()}
    return Question(action, resource, keys, frozenset({ROLE}), frozenset({ROOT, "123456789012"}))


def judged(*statements: dict[str, Any], question: Question | None = None) -> bool:
    return evaluate(question or ask(), Policies(identity=[policy(*statements)])).allowed


class TestAction:
    @pytest.mark.parametrize(
        "action", ["ecs:UpdateService", "ecs:*", "ECS:updateservice", "*", "ecs:Update*", "ec?:Up*"]
    )
    def test_it_fits_whatever_its_case_and_by_wildcard(self, action: str) -> None:
        assert judged(allow(action))

    @pytest.mark.parametrize("action", ["ecs:DeleteService", "ecs:Update", "ecr:*", "ecs:UpdateService2"])
    def test_another_one_does_not(self, action: str) -> None:
        assert not judged(allow(action))

    def test_one_of_a_list_is_enough(self) -> None:
        assert judged(allow(["ecs:DeleteService", "ecs:UpdateService"]))

    def test_not_action_is_everything_else(self) -> None:
        assert judged({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"})
        assert not judged({"Effect": "Allow", "NotAction": ["ecs:*"], "Resource": "*"})


class TestResource:
    @pytest.mark.parametrize("resource", [SERVICE, "*", "arn:aws:ecs:*:*:service/demo/*", SERVICE[:-1] + "?"])
    def test_it_fits_by_wildcard(self, resource: str) -> None:
        assert judged(allow(resource=resource))

    @pytest.mark.parametrize("resource", ["arn:aws:ecs:eu-north-1:123456789012:service/other/*", SERVICE.upper()])
    def test_another_one_does_not(self, resource: str) -> None:
        assert not judged(allow(resource=resource))

    def test_an_action_without_resources_needs_the_star(self) -> None:
        question = ask("ecs:ListClusters", "*")

        assert judged(allow("ecs:ListClusters"), question=question)
        assert not judged(allow("ecs:ListClusters", SERVICE), question=question)

    def test_not_resource_is_everything_else(self) -> None:
        assert not judged({"Effect": "Allow", "Action": "*", "NotResource": SERVICE})
        assert judged({"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::*"})

    def test_a_regular_expression_is_taken_as_text(self) -> None:
        assert not judged(allow(resource=".*"))


class TestVariables:
    def test_a_variable_is_replaced(self) -> None:
        resource = "arn:aws:ecs:eu-north-1:123456789012:service/${aws:PrincipalTag/team}/*"

        assert judged(allow(resource=resource), question=ask(**{"aws:PrincipalTag/team": "demo"}))
        assert not judged(allow(resource=resource), question=ask(**{"aws:PrincipalTag/team": "other"}))

    def test_without_a_value_the_statement_does_not_apply(self) -> None:
        assert not judged(allow(resource="arn:aws:ecs:*:*:service/${aws:username}/*"))

    def test_a_default_stands_in(self) -> None:
        assert judged(allow(resource="arn:aws:ecs:*:*:service/${aws:username, 'demo'}/*"))

    def test_what_it_stands_for_is_no_pattern(self) -> None:
        resource = "arn:aws:ecs:*:*:service/${aws:username}/greeter"

        assert not judged(allow(resource=resource), question=ask(**{"aws:username": "*"}))

    def test_a_wildcard_can_be_written_as_text(self) -> None:
        assert judged(allow(resource="arn:x:${*}"), question=ask(resource="arn:x:*"))
        assert not judged(allow(resource="arn:x:${*}"), question=ask(resource="arn:x:y"))


class TestLogic:
    def test_nothing_is_allowed_by_default(self) -> None:
        assert evaluate(ask(), Policies()) == Decision(False, IDENTITY)

    def test_an_explicit_deny_beats_every_allow(self) -> None:
        assert evaluate(ask(), Policies(identity=[policy(allow()), policy(deny())])) == Decision(False, IDENTITY, True)

    def test_a_deny_that_does_not_apply_does_not_matter(self) -> None:
        assert judged(allow(), deny("iam:*"))

    def test_a_boundary_allows_nothing_by_itself(self) -> None:
        assert evaluate(ask(), Policies(boundary=policy(allow()))) == Decision(False, IDENTITY)

    def test_a_boundary_limits(self) -> None:
        policies = Policies(identity=[policy(allow("*"))], boundary=policy(allow("s3:*")))

        assert evaluate(ask(), policies) == Decision(False, BOUNDARY)
        assert evaluate(ask("s3:GetObject"), policies).allowed

    def test_a_deny_in_a_boundary_is_named_as_such(self) -> None:
        policies = Policies(identity=[policy(allow("*"))], boundary=policy(allow("*"), deny("ecs:*")))

        assert evaluate(ask(), policies) == Decision(False, BOUNDARY, True)

    def test_an_empty_boundary_forbids_all(self) -> None:
        assert evaluate(ask(), Policies(identity=[policy(allow("*"))], boundary=())) == Decision(False, BOUNDARY)

    def test_a_session_policy_limits(self) -> None:
        policies = Policies(identity=[policy(allow("*"))], session=policy(allow("s3:*")))

        assert evaluate(ask(), policies) == Decision(False, SESSION)

    def test_a_resource_policy_that_names_the_caller_allows_by_itself(self) -> None:
        attached = policy({**allow("*"), "Principal": {"AWS": ROLE}})

        assert evaluate(ask(), Policies(resource=[attached])) == Decision(True, RESOURCE)

    @pytest.mark.parametrize("principal", [{"AWS": ROOT}, {"AWS": "123456789012"}])
    def test_one_that_names_the_account_leaves_it_to_the_account(self, principal: Any) -> None:
        attached = policy({**allow("*"), "Principal": principal})

        assert not evaluate(ask(), Policies(resource=[attached])).allowed

    @pytest.mark.parametrize("principal", [{"AWS": ROOT}, {"AWS": ROLE}, "*", {"AWS": "*"}])
    def test_a_resource_policy_denies_whomever_it_names(self, principal: Any) -> None:
        attached = policy({**deny(), "Principal": principal})

        decision = evaluate(ask(), Policies(identity=[policy(allow())], resource=[attached]))

        assert decision == Decision(False, RESOURCE, True)

    def test_one_that_names_somebody_else_says_nothing(self) -> None:
        attached = policy({**deny(), "Principal": {"AWS": "arn:aws:iam::123456789012:role/other"}})

        assert evaluate(ask(), Policies(identity=[policy(allow())], resource=[attached])).allowed

    def test_a_service_is_nobody_who_calls(self) -> None:
        attached = policy({**allow("*"), "Principal": {"Service": "*"}})

        assert not evaluate(ask(), Policies(resource=[attached])).allowed

    def test_not_principal_denies_everybody_else(self) -> None:
        attached = policy({**deny(), "NotPrincipal": {"AWS": "arn:aws:iam::123456789012:role/other"}})

        assert not evaluate(ask(), Policies(identity=[policy(allow())], resource=[attached])).allowed


class TestTrust:
    def decide(self, principal: Any, *identity: dict[str, Any]) -> Decision:
        trust = parse_policy({"Statement": {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}})
        policies = Policies(identity=[policy(*identity)], resource=[trust])
        return evaluate_trust(ask("sts:AssumeRole", "arn:aws:iam::123456789012:role/target"), policies)

    def test_a_role_that_trusts_the_caller_needs_nothing_else(self) -> None:
        assert self.decide({"AWS": ROLE}).allowed

    def test_one_that_trusts_the_account_needs_the_callers_policy_too(self) -> None:
        assert not self.decide({"AWS": ROOT}).allowed
        assert self.decide({"AWS": ROOT}, allow("sts:AssumeRole")).allowed

    def test_one_that_trusts_a_service_only_cannot_be_assumed(self) -> None:
        assert self.decide({"Service": "ecs.amazonaws.com"}, allow("*")) == Decision(False, RESOURCE)

    def test_a_deny_stays_a_deny(self) -> None:
        assert self.decide({"AWS": ROLE}, deny()) == Decision(False, IDENTITY, True)


class TestWords:
    def test_an_explicit_deny(self) -> None:
        words = Decision(False, IDENTITY, True).because("ecs:X")
        assert words == "with an explicit deny in an identity-based policy"

    def test_nothing_that_allows(self) -> None:
        words = Decision(False, BOUNDARY).because("ecs:X")
        assert words == "because no permissions boundary allows the ecs:X action"


class TestDocument:
    def test_it_may_be_text_even_url_encoded(self) -> None:
        assert parse_policy(json.dumps({"Statement": allow()})) == policy(allow())
        assert parse_policy("%7B%22Statement%22%3A%5B%5D%7D") == ()

    @pytest.mark.parametrize(
        ("document", "words"),
        [("{", "no JSON"), ("[]", "object with a Statement"), ('{"Statement":{"Effect":"Maybe"}}', "Allow or Deny")],
    )
    def test_what_is_no_policy_says_so(self, document: str, words: str) -> None:
        with pytest.raises(PolicyMalformed, match=words):
            parse_policy(document)
