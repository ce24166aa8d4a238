"""Every way a verb can refuse or fail, one sentence a class, and the one place where AWS's own errors are translated.

Raise with the fields which the sentence names: ``RepositoryMissing(repository="cutover")``; ``fields`` keeps them.
"""

from __future__ import annotations

from typing import ClassVar

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
)

AwsFault = (BotoCoreError, ClientError)
"""What boto3 raises: answers of AWS that are errors, and calls that got no answer."""


# Exit codes beside 0, which says that the intended digest has all of production's traffic; 2 is for wrong words.
FAILED, ROLLED_BACK, REFUSED, INCONCLUSIVE, UNKNOWN = 1, 3, 4, 5, 6


class CutoverDeployError(Exception):
    """Root of all errors of this package; subclasses only fill in their sentence."""

    sentence: ClassVar[str] = "The deployer failed: {problem}."
    code: ClassVar[int] = FAILED

    def __init__(self, **fields: object) -> None:
        self.fields = fields
        super().__init__(self.sentence.format(**fields))


class BadName(CutoverDeployError):
    """A prefix or an environment that AWS would not take in a name."""

    code = REFUSED
    sentence = (
        "The {what} {value!r} is not usable in names: take lower-case letters, digits and dashes, at most {limit}."
    )


class BadSmokeFile(CutoverDeployError):
    """The file of smoke checks cannot be read as such."""

    code = REFUSED
    sentence = "The smoke file {path} is not usable: {problem}."


class BadStrategy(CutoverDeployError):
    """A strategy or one of its numbers that ECS would not take."""

    code = REFUSED
    sentence = "The strategy is not usable: {problem}."


class BadArchive(CutoverDeployError):
    """The image archive is not an OCI image layout, or its bytes do not match their digests."""

    code = REFUSED
    sentence = "The archive {path} is not a usable OCI image layout: {problem}."


class TemplateMissing(CutoverDeployError):
    """A CloudFormation template is not where it was said to be."""

    code = REFUSED
    sentence = "There is no template {path}: --templates names the directory that holds registry.yaml and its siblings."


class RepositoryMissing(CutoverDeployError):
    """The image repository does not exist yet."""

    code = REFUSED
    sentence = "There is no image repository {repository!r} in this account and region: run `provision` first."


class ForeignImage(CutoverDeployError):
    """An image of another repository than the environment's."""

    code = REFUSED
    sentence = "The image {image} is not in the repository {repository}: publish it there first."


class ImageMissing(CutoverDeployError):
    """No image with that tag or digest."""

    code = REFUSED
    sentence = "There is no image {image} in the registry: publish it first, or name another tag or digest."


class VersionTaken(CutoverDeployError):
    """A version tag that already names other bytes."""

    code = REFUSED
    sentence = (
        "Version {version} is already published as {existing}, and this image is {digest}: release a new version."
    )


class RegistryRefused(CutoverDeployError):
    """The registry answered with an error that trying again does not change."""

    sentence = "The registry refused {method} {url} with {status}: {answer}."


class RegistryUnreachable(CutoverDeployError):
    """The registry did not answer, or not sensibly, several times."""

    sentence = "The registry did not take {method} {url} in {attempts} attempts, at last: {problem}."


class DigestMismatch(CutoverDeployError):
    """The registry calls what was pushed by another digest."""

    sentence = "The registry stored {reference} as {got}, but its bytes have the digest {expected}."


class StackBusy(CutoverDeployError):
    """A stack is still at something else after the longest wait."""

    sentence = "The stack {stack} is still {status} after {minutes} minutes: wait for it to end, then run this again."


class StackStuck(CutoverDeployError):
    """A stack in a state that only a person can resolve."""

    code = REFUSED
    sentence = "The stack {stack} is {status}: repair or delete it by hand, then run this again."


class ChangeSetFailed(CutoverDeployError):
    """CloudFormation could not work out the change."""

    sentence = "CloudFormation refused the change of the stack {stack}: {reason}."


class StackFailed(CutoverDeployError):
    """A stack ended another way than asked; the failed resources have been named before."""

    sentence = "The stack {stack} ended {status}: {first}."


class EnvironmentMissing(CutoverDeployError):
    """A stack that `provision` makes does not exist."""

    code = REFUSED
    sentence = "The stack {stack} does not exist or is not complete: run `provision --environment {environment}` first."


class DeploymentUnderWay(CutoverDeployError):
    """`provision` does not change what a running deployment stands on."""

    code = REFUSED
    sentence = (
        "A deployment is under way in {environment} ({deployment}, {status}): wait for its end, then run this again."
    )


class ServiceMissing(CutoverDeployError):
    """The service stack is there, its service is not."""

    code = REFUSED
    sentence = (
        "The service {service} does not exist although the stack {stack} does: delete that stack, then deploy again."
    )


class NothingDeployed(CutoverDeployError):
    """There is no service yet."""

    code = REFUSED
    sentence = "Nothing is deployed in {environment} yet: run `deploy` or `release` first."


class OtherDeployment(CutoverDeployError):
    """Somebody else's deployment is under way."""

    code = REFUSED
    sentence = (
        "Another deployment is under way ({deployment}, {status}, to {target}{more}): wait for its end, then run this "
        "again, or end it with `rollback --now`."
    )


class UnexpectedTraffic(CutoverDeployError):
    """The listener rules or the target groups are not as the next step needs them (fact sheet, section 2.2)."""

    code = REFUSED
    sentence = "The load balancer is not as it must be {when}: {problem}."


class ContainerMissing(CutoverDeployError):
    """The live task definition has no container of the contracted name."""

    code = REFUSED
    sentence = "The task definition {task_definition} has no container {container!r}: it was not made by this deployer."


class DeploymentNotFound(CutoverDeployError):
    """ECS took the update and shows no deployment for it."""

    code = UNKNOWN
    sentence = (
        "ECS took the update of {service} but shows no deployment for it after {seconds} seconds: look at the service."
    )


class DeploymentStuck(CutoverDeployError):
    """A rollback that was asked for does not end."""

    code = UNKNOWN
    sentence = "The deployment {deployment} is still {status} {minutes} minutes after its rollback was asked for."


class RolledBack(CutoverDeployError):
    """ECS went back to what served before."""

    code = ROLLED_BACK
    sentence = "The deployment of {version} was rolled back: {why}; {serves}."


class DeploymentFailed(CutoverDeployError):
    """ECS ended the deployment without success and without a rollback to anything."""

    sentence = "The deployment of {version} ended {status}: {why}; {serves}."


class Inconclusive(CutoverDeployError):
    """There was not enough evidence, and the settings say to roll back then."""

    code = INCONCLUSIVE
    sentence = "The deployment of {version} was rolled back for want of evidence: {why}; {serves}."


class Unapproved(CutoverDeployError):
    """A version that a person has to approve first, by its number."""

    code = REFUSED
    sentence = (
        "Version {version} is published as {image} and goes no further until it is approved (approved: {given}): run "
        "this again with --approve {version}."
    )


class StackChanging(CutoverDeployError):
    """Somebody changes the service's stack, which deploys."""

    code = REFUSED
    sentence = "The stack {stack} is {status} and shows no deployment yet: wait for its end, then run this again."


class NothingToGoBackTo(CutoverDeployError):
    """No earlier release is known."""

    code = REFUSED
    sentence = (
        "There is nothing to roll back to in {environment}: ECS remembers no release before {serving}. Deploy a digest "
        "with `deploy --image`."
    )


class NotPromoted(CutoverDeployError):
    """An image that exists and never had all of production."""

    code = REFUSED
    sentence = (
        "The image {image} never served all of {environment}, as far as ECS remembers: `rollback` goes back to what "
        "did; use `deploy --image`."
    )


class ReplacementRefused(CutoverDeployError):
    """A change would replace or remove what holds data or traffic."""

    code = REFUSED
    sentence = (
        "The stack {stack} would {changes}, which holds data or traffic: look at `provision --dry-run`, and allow it "
        "with --allow-replacement."
    )


class RulesAreOwnedByEcs(CutoverDeployError):
    """A change of a listener rule's actions would take the weights from ECS."""

    code = REFUSED
    sentence = "The stack {stack} would change the actions of {resource}, whose weights are ECS's: undo that change."


class NotServing(CutoverDeployError):
    """ECS reports success, and what is seen says otherwise."""

    sentence = "ECS has {version} as deployed, but {problem}; {serves}."


class LostSight(CutoverDeployError):
    """AWS stopped answering in the middle of a deployment, which ECS goes on with."""

    code = UNKNOWN
    sentence = (
        "The deployment {deployment} cannot be followed any more ({problem}): ECS goes on with it, and at its pause it "
        "rolls back after {minutes} minutes unless the same command, run again, takes it over."
    )


class Interrupted(CutoverDeployError):
    """The deployer was told to stop in the middle of a deployment and could not ask for its rollback."""

    code = UNKNOWN
    sentence = (
        "Stopped by {signal} while {deployment} is under way: ECS goes on with it, and at its pause it rolls back "
        "after {minutes} minutes unless the same command, run again, takes it over; `rollback --now` goes back at once."
    )


class RollbackAsked(CutoverDeployError):
    """The deployer was told to stop, and has asked ECS for the way back."""

    code = UNKNOWN
    sentence = (
        "Stopped by {signal}: ECS was asked to roll {deployment} back and does so by itself; `status` shows when it is "
        "done."
    )


class ShiftedAlready(CutoverDeployError):
    """The deployer was told to stop when the new revision had all of production already."""

    code = UNKNOWN
    sentence = (
        "Stopped by {signal}: {deployment} already has all of production's traffic and was left to ECS; the same "
        "command, run again, takes it over, and `rollback --now` goes back."
    )


class Stopped(CutoverDeployError):
    """The deployer was told to stop where no deployment is under way."""

    sentence = "Stopped by {signal}: what CloudFormation or the registry had begun stands, run the same command again."


class NoCredentials(CutoverDeployError):
    """boto3 found nothing to sign with."""

    code = REFUSED
    sentence = "There are no AWS credentials: give some with --credentials, or by boto3's default chain."


class BadCredentials(CutoverDeployError):
    """What boto3 was given to sign with is something else."""

    code = REFUSED
    sentence = (
        "The AWS credentials are not usable: they have to be JSON as `aws configure export-credentials` prints it, with"
        " Version, AccessKeyId and SecretAccessKey."
    )


class NoRegion(CutoverDeployError):
    """boto3 does not know where to call."""

    code = REFUSED
    sentence = "There is no AWS region: set AWS_DEFAULT_REGION."


class AwsUnreachable(CutoverDeployError):
    """No answer at all."""

    sentence = "AWS cannot be reached: {problem}"


class AwsRefused(CutoverDeployError):
    """An answer that is an error."""

    sentence = "AWS refused {operation} with {code}: {message}"


def translated(error: Exception) -> CutoverDeployError:
    """The error of this package that says what boto3's `error` (one of `AwsFault`) says."""
    if isinstance(error, ClientError):
        details = error.response.get("Error", {})
        message = " ".join(details.get("Message", "no message").split())
        return AwsRefused(operation=error.operation_name, code=details.get("Code", "an error"), message=message)
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return NoCredentials()
    if isinstance(error, NoRegionError):
        return NoRegion()
    if isinstance(error, EndpointConnectionError):
        return AwsUnreachable(problem=f"no connection to {error.kwargs.get('endpoint_url', 'its endpoint')}.")
    return AwsUnreachable(problem=" ".join(str(error).split()))


def code_of(error: ClientError) -> str:
    """AWS's name of an error, such as ``ServiceNotFoundException``."""
    return str(error.response.get("Error", {}).get("Code", ""))
