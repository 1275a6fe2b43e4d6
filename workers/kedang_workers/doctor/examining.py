"""All checks in a row; one that cannot be made is a finding itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from importlib import metadata

from kedang_platform.clock import Clock
from kedang_platform.database import Databases, urls_of
from kedang_platform.errors import KedangError
from kedang_platform.i18n import msg
from kedang_platform.settings import Settings
from kedang_workers.cli.reaching import named
from kedang_workers.cli.up import gateway_ready, ready_at, told_ports
from kedang_workers.doctor import companies, machine, servers
from kedang_workers.doctor.backups import backups
from kedang_workers.doctor.findings import Finding, error


@dataclass(slots=True)
class Examination:
    """What was found, and which versions run."""

    findings: list[Finding] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def well(self) -> bool:
        """Whether nothing is wrong; what could become so does not count."""
        return all(finding.severity != "error" for finding in self.findings)


async def examine(settings: Settings, *, clock: Clock) -> Examination:
    """Look at everything; changes nothing."""
    found = Examination(versions={"kedang": metadata.version("kedang")})
    found.findings.extend(machine.disks(settings))
    found.findings.extend(machine.secrets(settings))
    found.findings.extend(machine.choices(settings))
    found.findings.extend(servers.valkey(settings, found.versions))
    await _database(settings, found, today=clock.now().date())
    found.findings.extend(await backups(settings, now=clock.now()))
    if not gateway_ready(settings):
        found.findings.append(
            error(
                "GATEWAY_AWAY",
                msg("The gateway does not answer at port {port}."),
                msg("Start it with `kedang up` (or `kedang serve`), and read gateway.log."),
                port=settings.port,
            )
        )
    for name, port in told_ports(settings).items():
        if not ready_at(settings.metrics_host, port):
            found.findings.append(
                error(
                    "PROCESS_AWAY",
                    msg("{name} does not answer at port {port}, or has no database."),
                    msg("Start it with `kedang up`, and read its log."),
                    name=name,
                    port=port,
                )
            )
    return found


async def _database(settings: Settings, found: Examination, *, today: date) -> None:
    try:
        told = named(settings)
        databases = await Databases.open(told, urls_of(told))
        try:
            async with databases.control_read() as read:
                found.findings.extend(await servers.postgres(read, found.versions))
                found.findings.extend(await companies.schemas(read, settings))
                found.findings.extend(await companies.jobs(read))
                found.findings.extend(await companies.calendars(read, today=today))
        finally:
            await databases.close()
    except KedangError as away:
        found.findings.append(
            error(
                away.code,
                msg("The database cannot be used: {reason}"),
                msg(
                    "Start it (`kedang up` starts the embedded one), or mend KEDANG_VAR or KEDANG_DATABASE_URL."
                ),
                reason=str(away),
            )
        )
