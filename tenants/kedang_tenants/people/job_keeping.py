"""Who looks after the company's jobs: its owner and administrators see, call off and begin anew."""

from __future__ import annotations

from typing import Final

from kedang_platform.errors import Forbidden
from kedang_platform.i18n import msg
from kedang_tenants.reading import Viewer

_KEEP: Final = frozenset({"OWNER", "ADMIN"})


def require_keeper(viewer: Viewer) -> None:
    """Raises Forbidden for everybody but owner and administrators."""
    if not viewer.roles & _KEEP:
        raise Forbidden(msg("Only owner and administrators look after the company's jobs."))
