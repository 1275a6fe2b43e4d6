"""The gateway without its wall: no role, no search_path, no scope, no masks; everything else is the gateway's own.

A login of the bench (``BENCH_DATABASE``) may read the one company's tables and finds them by its session's
search_path; whoever asks is a viewer who sees everything.
"""

import os
from dataclasses import replace

from kedang_graphql.__main__ import main
from kedang_graphql.engine.viewers import Viewers
from kedang_graphql.services import Services
from kedang_platform.clock import SystemClock
from kedang_platform.database import CompanyRef, Databases, urls_of
from kedang_platform.identity.credentials import Identified
from kedang_platform.settings import Settings
from kedang_tenants.people.viewers import system_viewer
from kedang_tenants.reading import Viewer


class Bare(Databases):
    """Transactions that enter nothing."""

    def _opener(self, company: CompanyRef, access: str) -> str:
        return f"BEGIN {access}"


class AllSeeing(Viewers):
    """Everybody sees everything."""

    _everything: Viewer | None = None

    async def of(self, identified: Identified) -> Viewer:
        if self._everything is None:
            async with self._databases.tenant_read(identified.company.ref) as read:
                self._everything = await system_viewer(read, company=identified.company)
        return self._everything


async def open_bare(cls: type[Services], settings: Settings) -> Services:
    urls = replace(urls_of(settings), app=os.environ["BENCH_DATABASE"])
    databases = await Bare.open(settings, urls)
    return replace(cls.on(databases, settings, SystemClock()), viewers=AllSeeing(databases))


if __name__ == "__main__":
    Services.open = classmethod(open_bare)  # type: ignore[method-assign, assignment]
    main()
