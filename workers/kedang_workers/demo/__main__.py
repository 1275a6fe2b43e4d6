"""``python -m kedang_workers.demo build|check``: the demonstration company of the installation on this machine."""

from __future__ import annotations

import sys

import httpx

from kedang_platform.settings import Settings
from kedang_workers.demo.building import build
from kedang_workers.demo.checking import check
from kedang_workers.demo.client import Unexpected
from kedang_workers.demo.keeping import recall


def main() -> int:
    settings = Settings()
    address = f"http://{settings.host}:{settings.port}"
    try:
        return {"build": _build, "check": _check}[sys.argv[1]](settings, address)
    except httpx.ConnectError:
        _say(
            f"Nothing answers at {address}: start it with `make up`; KEDANG_PORT is needed here, too, where it was given."
        )
        return 1
    except (Unexpected, httpx.HTTPError) as error:
        _say(f"The demonstration company: {error}")
        return 1


def _build(settings: Settings, address: str) -> int:
    build(address, settings.var, _say)
    return 0


def _check(settings: Settings, address: str) -> int:
    kept = recall(settings.var)
    if kept is None or not kept.built:
        _say("The demonstration company is not built yet.")
        return 1
    findings = check(address, kept)
    for difference in findings.different:
        _say(difference)
    _say(f"{findings.compared} compared, {len(findings.different)} different")
    return 1 if findings.different else 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
