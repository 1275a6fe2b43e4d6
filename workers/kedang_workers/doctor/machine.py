"""What can be seen without the servers: disks, files, settings, the gateway's door."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from kedang_platform.embedded.servers import known_installation
from kedang_platform.i18n import msg
from kedang_platform.settings import Settings
from kedang_workers.doctor.findings import Finding, error, warning

LEAST_BYTES: Final = 1024**3
_LEAST_SHARE: Final = 0.05
_SECRETS: Final = ("secret", "servers.json", "demo.json")
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def disks(settings: Settings) -> Iterator[Finding]:
    """Disks that are nearly full, each told once."""
    seen = set()
    for folder in _folders(settings):
        if not folder.exists() or (device := folder.stat().st_dev) in seen:
            continue
        seen.add(device)
        usage = shutil.disk_usage(folder)
        if usage.free < LEAST_BYTES or usage.free < usage.total * _LEAST_SHARE:
            yield error(
                "DISK_SPACE_LOW",
                msg("{folder} has {megabytes} MB left."),
                msg("Make room, or move the folder to a larger disk: a full one stops PostgreSQL."),
                folder=str(folder),
                megabytes=usage.free // 1_000_000,
            )


def secrets(settings: Settings) -> Iterator[Finding]:
    """Secrets that others on this machine can read."""
    for name in _SECRETS:
        path = settings.var / name
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
            yield error(
                "SECRET_READABLE",
                msg("{file} can be read by others on this machine."),
                msg("chmod 600 {file}"),
                file=str(path),
            )


def choices(settings: Settings) -> Iterator[Finding]:
    """Settings that are allowed and yet hardly meant so."""
    public = urlsplit(settings.base_url)
    if public.scheme == "http" and public.hostname not in _LOOPBACK:
        yield error(
            "LINKS_WITHOUT_TLS",
            msg("People reach {url} without encryption: passwords can be read on the way."),
            msg(
                "Put a proxy with a certificate before the gateway and set KEDANG_PUBLIC_URL to its https address."
            ),
            url=settings.base_url,
        )
    if settings.public_url and public.hostname not in _LOOPBACK and settings.trusted_proxies is None:
        yield warning(
            "PROXY_NOT_TRUSTED",
            msg(
                "KEDANG_PUBLIC_URL is set and KEDANG_TRUSTED_PROXIES is not: everybody shares one address's limits."
            ),
            msg("Set KEDANG_TRUSTED_PROXIES to the address of the proxy."),
        )
    if settings.smtp_url is None:
        yield warning(
            "MAIL_STAYS_HERE",
            msg("No mail server is set: mails are only kept in {folder}."),
            msg("Set KEDANG_SMTP_URL."),
            folder=str(settings.var / "mail"),
        )


def _folders(settings: Settings) -> Iterator[Path]:
    yield settings.var.absolute()
    installation = known_installation(settings.var.absolute())
    if installation:
        yield settings.var.absolute() / installation.home
    if settings.backup_dir:
        yield settings.backup_dir.absolute()
