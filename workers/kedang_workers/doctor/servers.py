"""Whether both servers answer, in versions that will do, by the same clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

import redis

from kedang_platform.database import ControlRead
from kedang_platform.embedded.servers import known_installation
from kedang_platform.i18n import msg
from kedang_platform.settings import Settings
from kedang_workers.doctor.findings import Finding, error, warning

_OLDEST_POSTGRES: Final = 150000
_OLDEST_REDIS: Final = (6, 2)
_CLOCK_WARNING, _CLOCK_ERROR = 2.0, 30.0


async def postgres(read: ControlRead, versions: dict[str, str]) -> list[Finding]:
    """Version and clock of PostgreSQL."""
    before = datetime.now(UTC)
    row = await read.fetchrow(
        "SELECT current_setting('server_version') AS told, current_setting('server_version_num')::int AS number,"
        " clock_timestamp() AS now"
    )
    after = datetime.now(UTC)
    assert row is not None
    versions["postgresql"] = row["told"]
    found = []
    if row["number"] < _OLDEST_POSTGRES:
        found.append(
            error(
                "POSTGRESQL_TOO_OLD",
                msg("PostgreSQL is of version {version}."),
                msg("Bring it to 15 or later."),
                version=row["told"],
            )
        )
    apart = max((before - row["now"]).total_seconds(), (row["now"] - after).total_seconds(), 0.0)
    if apart > _CLOCK_WARNING:
        found.append(
            (error if apart > _CLOCK_ERROR else warning)(
                "CLOCKS_DIFFER",
                msg("The clock of the database is {seconds} s away from this machine's."),
                msg("Let both follow a time server (chrony, systemd-timesyncd)."),
                seconds=round(apart),
            )
        )
    return found


def valkey(settings: Settings, versions: dict[str, str]) -> Iterator[Finding]:
    """Whether Valkey or Redis answers, how old it is, and that it never forgets by itself."""
    url = valkey_url(settings)
    if url is None:
        return
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=3, socket_timeout=3) as client:
            told = client.info("server")
            policy = client.config_get("maxmemory-policy").get("maxmemory-policy")
    except redis.ResponseError:  # a provider that lets nobody read its configuration
        policy = None
    except (redis.RedisError, OSError) as problem:
        yield error(
            "VALKEY_UNREACHABLE",
            msg("Valkey does not answer: {reason}"),
            msg("Start it (`kedang up` starts the embedded one), or mend KEDANG_REDIS_URL."),
            reason=str(problem),
        )
        return
    version = str(told.get("valkey_version") or told["redis_version"])
    versions["valkey"] = version
    if tuple(int(part) for part in version.split(".")[:2]) < _OLDEST_REDIS:
        yield error(
            "VALKEY_TOO_OLD",
            msg("Valkey or Redis is of version {version}."),
            msg("Bring it to 6.2 or later."),
            version=version,
        )
    if policy not in {None, "noeviction"}:
        yield warning(
            "VALKEY_FORGETS",
            msg("Valkey may drop messages when it is full (maxmemory-policy {policy})."),
            msg("Set maxmemory-policy to noeviction."),
            policy=policy,
        )


def valkey_url(settings: Settings) -> str | None:
    """The named one, or that of the embedded servers of this folder."""
    if settings.redis_url:
        return settings.redis_url
    installation = known_installation(settings.var.absolute())
    if installation is None:
        return None
    return f"redis://:{installation.valkey_password}@127.0.0.1:{settings.valkey_port or settings.port + 2}/0"
