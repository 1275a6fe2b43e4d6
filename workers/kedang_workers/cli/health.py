"""``kedang doctor``: tells what was found."""

from __future__ import annotations

import asyncio
import json
import os

from kedang_platform.clock import SystemClock
from kedang_platform.embedded import Echo
from kedang_platform.errors import KedangError
from kedang_platform.i18n import msg, translate
from kedang_platform.settings import Settings
from kedang_workers.cli.telling import terminal_language
from kedang_workers.doctor import Examination, Finding, examine
from kedang_workers.doctor.findings import error


def show(settings: Settings, *, echo: Echo, as_json: bool) -> int:
    """Examine the installation and return the exit code: 1 when something is wrong."""
    found = asyncio.run(examine(settings, clock=SystemClock()))
    if as_json:
        print(json.dumps(_told(found), ensure_ascii=False))
    else:
        _tell(found, echo)
    return 0 if found.well else 1


def refuse(wrong: KedangError, *, echo: Echo, as_json: bool) -> int:
    """Tell a setting that cannot be used as what was found: nothing else could be looked at."""
    remedy = msg("Mend the setting; docs/settings.md says what it may be.")
    found = Examination([error(wrong.code, wrong.message, remedy, **wrong.params)])
    print(json.dumps(_told(found), ensure_ascii=False)) if as_json else _tell(found, echo)
    return 1


def _tell(found: Examination, echo: Echo) -> None:
    if found.versions:
        echo(
            "{versions}", versions=", ".join(f"{name} {version}" for name, version in found.versions.items())
        )
    for finding in found.findings:
        echo("{severity} {code}", severity=finding.severity.upper(), code=finding.code)
        echo("    {text}", text=_text(finding.message, finding))
        echo("    -> {text}", text=_text(finding.remedy, finding))
    if not found.findings:
        echo(msg("Everything is well."))


def _told(found: Examination) -> dict[str, object]:
    """The stable shape: see docs/operations.md."""
    return {
        "ok": found.well,
        "versions": found.versions,
        "findings": [
            {
                "code": finding.code,
                "severity": finding.severity,
                "message": _text(finding.message, finding),
                "remedy": _text(finding.remedy, finding),
                "params": {name: _plain(value) for name, value in finding.params.items()},
            }
            for finding in found.findings
        ],
    }


def _text(msgid: str, finding: Finding) -> str:
    return translate(msgid, terminal_language(os.environ), finding.params)


def _plain(value: object) -> object:
    return value if isinstance(value, int | float | str | None) else str(value)
