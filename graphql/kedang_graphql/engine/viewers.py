"""Viewers remembered for a moment, so that a request does not load its member's rights anew each time."""

from __future__ import annotations

import time
from uuid import UUID

from kedang_platform.clock import Clock, SystemClock
from kedang_platform.database import Databases
from kedang_platform.errors import Unauthenticated
from kedang_platform.i18n import msg
from kedang_platform.identity.credentials import Identified
from kedang_platform.registry import ensure_usable
from kedang_tenants.people.viewers import load_viewer
from kedang_tenants.reading import Viewer
from kedang_tenants.revision import REVISION

REMEMBERED_SECONDS = 5.0
_MOST = 10_000


class Viewers:
    """Members as viewers, at most 5 seconds old; a change made through this process is seen at once.

    What was shared with a member or opened to them until an instant is not remembered beyond it.
    """

    def __init__(self, databases: Databases, clock: Clock | None = None) -> None:
        self._databases = databases
        self._clock = clock or SystemClock()
        self._known: dict[tuple[UUID, UUID, str], tuple[float, Viewer]] = {}
        self._generation = 0

    @property
    def remembered(self) -> int:
        """How many are held in memory."""
        return len(self._known)

    async def of(self, identified: Identified) -> Viewer:
        """Raises Unauthenticated for a member who is not active (any more), and as ``ensure_usable``."""
        ensure_usable(identified.company, revision=REVISION)
        key = (identified.company.id, identified.member_id, identified.kind)
        known = self._known.get(key)
        if known is not None and known[0] > time.monotonic() and self._holds(known[1]):
            return known[1]
        generation = self._generation
        async with self._databases.tenant_read(identified.company.ref) as read:
            viewer = await load_viewer(
                read,
                company=identified.company,
                member_id=identified.member_id,
                via=identified.kind,
                clock=self._clock,
            )
        if viewer is None:
            raise Unauthenticated(msg("You are not an active member of this company."))
        # Loaded before somebody changed rights, it may be out of date already: it is not kept.
        if generation == self._generation:
            self._keep(key, viewer)
        return viewer

    def forget(self, company_id: UUID | None = None) -> None:
        """Load everybody anew, or those of one company: members, departments or own fields have changed."""
        self._generation += 1
        for key in [key for key in self._known if company_id in {None, key[0]}]:
            del self._known[key]

    def _holds(self, viewer: Viewer) -> bool:
        return viewer.until is None or self._clock.now() < viewer.until

    def _keep(self, key: tuple[UUID, UUID, str], viewer: Viewer) -> None:
        """Remember a viewer; whose time is over goes, for one with a large department holds 100 KB."""
        now = time.monotonic()
        self._known.pop(key, None)  # all live equally long, so the first to end stand first
        while self._known:
            oldest = next(iter(self._known))
            if self._known[oldest][0] > now and len(self._known) < _MOST:
                break
            del self._known[oldest]
        self._known[key] = (now + REMEMBERED_SECONDS, viewer)
