"""Cutover: versions, tests, builds and publishes a WSGI service, and cuts live traffic over to it, blue to green, on
ECS."""

import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated

import dagger
from dagger import DefaultPath, Doc, Ignore, check, function, object_type

from ci import release as releases
from ci.report.facts import Asked
from ci.settings import Settings
from ci.steps import aws as cloud
from ci.steps import image, lint, lock, scan, version
from ci.steps import report as reports
from ci.steps import test as tests

IGNORED = [
    ".git", ".venv", "sdk", "report", "**/__pycache__", "**/.pytest_cache", "**/.mypy_cache", "**/.ruff_cache",
    "**/.hypothesis",
    "**/.coverage", "**/*.egg-info",
]  # fmt: skip
CommitName = Annotated[str, Doc("The commit that is versioned: a hash, a tag or a branch")]
Aws = Annotated[
    dagger.Service | None,
    Doc("AWS on this machine (tcp://127.0.0.1:4566); the real AWS when left out"),
]
Credentials = Annotated[
    dagger.Secret | None,
    Doc("JSON of `aws configure export-credentials`"),
]
Approved = Annotated[str, Doc("The version a person has approved, X.Y.Z; a major one goes no further without")]
AsJson = Annotated[bool, Doc("As a JSON document instead of lines")]
Database = Annotated[
    dagger.Directory | None,
    Doc("Trivy's vulnerability database (trivy.db, metadata.json); left out, it is fetched where it can be had"),
]
EnvironmentName = Annotated[str, Doc("One of [tool.cutover.environments.NAME]")]


@object_type
class Cutover:
    """The pipeline of one service."""

    source: Annotated[dagger.Directory, DefaultPath("/"), Ignore(IGNORED), Doc("The service's repository")]
    history: Annotated[dagger.Directory, DefaultPath("/.git"), Doc("The repository's .git, for the version")]

    async def _settings(self) -> Settings:
        return Settings.parse(await self.source.file("pyproject.toml").contents())

    @function
    async def version(self, commit: CommitName = "HEAD") -> str:
        """The version of this commit: semantic, from the conventional commits since the last tag."""
        return str((await self._decision(commit)).version)

    @function
    async def version_why(self, commit: CommitName = "HEAD") -> str:
        """Why it is this version, and which commits made it."""
        return releases.why(await self._decision(commit))

    @function
    async def changelog(self, commit: CommitName = "HEAD") -> str:
        """What is new in this version, as Markdown."""
        return await self._changelog(commit)

    @function
    @check
    async def lint(self) -> str:
        """Ruff over the service's code, by its own settings; fails when it finds something."""
        return await lint.told(await lint.lint(self.source, await self._settings(), dagger.ReturnType.SUCCESS))

    @function
    async def lint_report(self) -> dagger.Directory:
        """What the same printed and how long it took, whatever the verdict."""
        return lint.report(await lint.lint(self.source, await self._settings(), dagger.ReturnType.ANY))

    @function
    @check
    async def types(self) -> str:
        """Mypy over the service's code, where it has settings for it; fails when it finds something."""
        return await lint.told(await lint.types(self.source, await self._settings(), dagger.ReturnType.SUCCESS))

    @function
    async def types_report(self) -> dagger.Directory:
        """What the same printed and how long it took, whatever the verdict."""
        return lint.report(await lint.types(self.source, await self._settings(), dagger.ReturnType.ANY))

    @function
    @check
    async def test(self) -> str:
        """Run the service's tests; fails when one fails or the coverage is below its floor."""
        return await tests.run(self.source, await self._settings())

    @function
    async def test_report(self) -> dagger.Directory:
        """JUnit and coverage of the same tests, also of failing ones."""
        return tests.report(self.source, await self._settings())

    # Its times are those of this call: from the cache they would be another's.
    @function(cache="never")
    async def report(self) -> dagger.Directory:
        """All that is known of this commit, whatever the verdict: `index.html`, `report.json`, and each stage's files.

        Lint, types, tests, scans and the image, made at once; the gates; version and changelog.
        """
        return await self._report({"lint": self.lint_report, "types": self.types_report, **self._judged_stages()})

    @function
    @check
    async def gates(self) -> str:
        """What the gates say of this commit; fails naming each that stops a release.

        Pass rate, coverage, image size, and what the scan found: findings, licences.
        """
        return await reports.passed(await self._report(self._judged_stages()))

    # What it asks the network it asks anew each hour.
    @function(cache="1h")
    @check
    async def scan(
        self,
        environment: Annotated[str, Doc("Whose rule for what could not be scanned holds; none: it is told only")] = "",
        database: Database = None,
    ) -> str:
        """Look for vulnerabilities, secrets, misconfiguration and licences; fails when a finding stops a release."""
        step = await self._scan(environment, database, dagger.ReturnType.SUCCESS)
        return await step.stdout()

    @function(cache="never")
    async def scan_report(
        self,
        environment: Annotated[str, Doc("Whose rule for what could not be scanned holds; none: it is told only")] = "",
        database: Database = None,
    ) -> dagger.Directory:
        """SARIF, bills of materials (CycloneDX, SPDX), JUnit, a summary and JSON of the same, whatever the verdict."""
        return (await self._scan(environment, database, dagger.ReturnType.ANY)).directory(scan.OUT)

    @function(cache="never")
    async def relock(
        self, upgrade: Annotated[bool, Doc("Take the newest versions, not those that are pinned")] = False
    ) -> dagger.Directory:
        """The service's lock files with hashes, of whatever it keeps its dependencies in: `export --path .`"""
        return lock.relock(self.source, await self._settings(), upgrade)

    @function
    async def build(self) -> dagger.Container:
        """The service's image."""
        return image.build(self.source, await self._settings())

    @function
    async def digest(self) -> str:
        """The digest of the image as `publish` pushes it: the same for the same commit and base, bit for bit."""
        return (await (await self._canonical(await self._settings())).stdout()).strip()

    @function
    @check
    async def verify_image(self) -> str:
        """Build the image once more from the start; fails unless it is the same, byte for byte, and prints its digest.

        Otherwise the first file that differs is named, layer by layer.
        """
        settings = await self._settings()
        ours, anew = await self._canonical(settings), await self._canonical(settings, uuid.uuid4().hex)
        return await image.same(ours.file(image.ARCHIVE), anew.file(image.ARCHIVE)).stdout()

    @function
    async def serve(self) -> dagger.Service:
        """The service, as its image runs it."""
        return image.serve(image.build(self.source, await self._settings()))

    @function(cache="never")
    async def publish(
        self,
        environment: EnvironmentName = "",
        aws: Aws = None,
        credentials: Credentials = None,
    ) -> str:
        """Push the image to the registry, tagged with its version and `latest`; gives its reference by digest."""
        target = await self._target(environment, aws, credentials)
        built = (await self._canonical(target.settings)).file(image.ARCHIVE)
        return await cloud.publish(target, built, str(await version.of(self.history, target.settings)))

    @function(cache="never")
    async def provision(
        self,
        environment: EnvironmentName,
        aws: Aws = None,
        credentials: Credentials = None,
        dry_run: Annotated[bool, Doc("Say what would change, and change nothing")] = False,
        test_cidr: Annotated[str, Doc("Addresses that may reach the test listener, such as 203.0.113.7/32")] = "",
        allow_replacement: Annotated[bool, Doc("Also replace or remove what holds data or traffic")] = False,
    ) -> str:
        """Create or change the environment's stacks: registry, network, roles, load balancer, bucket of evidence."""
        target = await self._target(environment, aws, credentials)
        return await cloud.provision(target, dry_run, test_cidr, allow_replacement)

    @function(cache="never")
    async def deploy(
        self,
        image: Annotated[str, Doc("Tag or digest, with or without the repository")],
        environment: EnvironmentName,
        aws: Aws = None,
        credentials: Credentials = None,
        strategy: Annotated[str, Doc("blue-green, canary or linear; the environment's setting when left out")] = "",
        dry_run: Annotated[bool, Doc("Look, say what would be done, and do nothing")] = False,
        approve: Approved = "",
    ) -> str:
        """Cut the environment over to a published image, with evidence before every shift; gives the report as JSON.

        The exit code is 0 only if that very digest serves all of production; 3 rolled back, 4 refused, 5 rolled back
        for want of evidence, 6 could not tell, 1 failed otherwise.
        """
        target = await self._target(environment, aws, credentials)
        release = await self._release(target, image, approve)
        return await cloud.deploy(target, self.source, release, strategy, dry_run)

    @function(cache="never")
    async def rollback(
        self,
        environment: EnvironmentName,
        aws: Aws = None,
        credentials: Credentials = None,
        image: Annotated[str, Doc("A release to go back to, by tag or digest; the one before when left out")] = "",
        now: Annotated[bool, Doc("Stop what is under way; no canary, no bake, no judgement")] = False,
        dry_run: Annotated[bool, Doc("Look, say what would be done, and do nothing")] = False,
    ) -> str:
        """Go back to the release that served before, through the same gates; gives the report as JSON.

        It goes one release back, and once: run again it finds that done. Exit codes are those of `deploy`.
        """
        target = await self._target(environment, aws, credentials)
        return await cloud.rollback(target, self.source, image, now, dry_run)

    @function(cache="never")
    async def status(
        self, environment: EnvironmentName, aws: Aws = None, credentials: Credentials = None, json: AsJson = False
    ) -> str:
        """What serves and since when, the weight and health of each side, and the deployment under way."""
        return await cloud.shown(await self._target(environment, aws, credentials), "status", json)

    # The constructor's `history` has the name already.
    @function(name="history", cache="never")
    async def past(
        self, environment: EnvironmentName, aws: Aws = None, credentials: Credentials = None, json: AsJson = False
    ) -> str:
        """The deployments of 90 days with outcome, duration and evidence, and the four keys of DORA."""
        return await cloud.shown(await self._target(environment, aws, credentials), "history", json)

    @function(cache="never")
    async def release(
        self,
        environment: EnvironmentName,
        aws: Aws = None,
        credentials: Credentials = None,
        approve: Approved = "",
    ) -> str:
        """Version, test, build, judge by the gates, publish and deploy this commit; gives the deploy's report as JSON.

        A major version, and any where the environment's `approval` is true, is published and then refused (exit code
        4) until it is approved by its number.
        """
        target = await self._target(environment, aws, credentials)
        scanned = target.environment.scanned
        stages = self._judged_stages(target.environment.name if scanned else None)
        await reports.passed(await self._report(stages))
        number = str(await version.of(self.history, target.settings))
        archive = (await self._canonical(target.settings)).file(image.ARCHIVE)
        reference = await cloud.publish(target, archive, number)
        return await cloud.deploy(target, self.source, await self._release(target, reference, approve))

    def _judged_stages(self, environment: str | None = "") -> dict[str, reports.Making]:
        """What the gates judge: tests, image, and the scan by an environment's rule (None: no scan)."""
        stages: dict[str, reports.Making] = {"test": self.test_report, "image": self._sizes}
        if environment is not None:
            stages["scan"] = lambda: self.scan_report(environment)
        return stages

    async def _sizes(self) -> dagger.Directory:
        return reports.sizes(await self._canonical(await self._settings()))

    async def _report(self, stages: Mapping[str, reports.Making]) -> dagger.Directory:
        begun, settings = time.time(), await self._settings()
        made = await reports.made(stages)
        number, commit = str((await self._decision()).version), await version.commit(self.history)
        asked = Asked(settings.name, number, commit, begun, reports.limits(settings), made.waited, made.broken)
        return reports.written(made, asked, await self._changelog())

    async def _scan(
        self, environment: str, database: dagger.Directory | None, expect: dagger.ReturnType
    ) -> dagger.Container:
        settings = await self._settings()
        unscanned = settings.environment(environment).unscanned if environment else "warn"
        given = scan.Input(self.source, self.history, settings, database, datetime.now(UTC))
        return await scan.judged(given, unscanned, expect)

    async def _canonical(self, settings: Settings, again: str = "") -> dagger.Container:
        labels = {
            "org.opencontainers.image.version": str(await version.of(self.history, settings)),
            "org.opencontainers.image.revision": await version.commit(self.history),
        }
        return image.canonical(image.build(self.source, settings, again), await version.time(self.history), labels)

    async def _changelog(self, commit: str = "HEAD") -> str:
        settings = await self._settings()
        log = await version.log(self.history, settings, commit)
        return releases.changelog(releases.decide_release(log, settings.stable))

    async def _decision(self, commit: str = "HEAD") -> releases.Decision:
        settings = await self._settings()
        log = await version.log(self.history, settings, commit)
        return releases.decide(log, settings.stable)

    async def _release(self, target: cloud.Target, reference: str, approve: str) -> cloud.Release:
        number = await version.of(self.history, target.settings)
        asks = number.is_major or target.environment.approval
        commit = await version.commit(self.history)
        return cloud.Release(reference, str(number), commit, approve if asks else None)

    async def _target(
        self, environment: str, aws: dagger.Service | None, credentials: dagger.Secret | None
    ) -> cloud.Target:
        settings = await self._settings()
        return cloud.Target(settings, settings.environment(environment), aws, credentials)
