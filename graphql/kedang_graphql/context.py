"""What a resolver knows of the request it works for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from kedang_graphql.measuring import Measured
from kedang_graphql.writing import Writing
from kedang_platform.clock import Clock
from kedang_platform.database import Databases
from kedang_platform.errors import Forbidden, Unauthenticated
from kedang_platform.files import FileLinks, FileStore
from kedang_platform.i18n import Language, msg
from kedang_platform.identity.browsers import Browser
from kedang_platform.identity.credentials import Identified
from kedang_platform.identity.errors import TwoFactorRequired
from kedang_platform.identity.recent import require_recent_authentication
from kedang_platform.identity.services import IdentityServices
from kedang_platform.registry import Company
from kedang_platform.settings import Settings
from kedang_tenants.reading import Viewer
from kedang_tenants.reports.dashboard import Dashboard

if TYPE_CHECKING:
    from graphql import GraphQLSchema

    from kedang_graphql.engine.executor import Selecting
    from kedang_graphql.engine.viewers import Viewers
    from kedang_graphql.overlay.overlays import Overlays


@dataclass(frozen=True, slots=True)
class SessionCookie:
    """A session to be set in the answer's cookie, or to be cleared (``token`` None).

    ``device`` is what the browser is known by from now on; None leaves its cookie as it is.
    """

    token: str | None
    expires_at: datetime | None
    device: str | None = None


@dataclass(slots=True)
class Answer:
    """What is told in the HTTP answer beside the data.

    ``device`` is what the browser is known by from now on, where no session is set with it.

    ``masked`` are paths of fields masked for the asker; ``cost`` is what the operation was charged.
    """

    session: SessionCookie | None = None
    device: str | None = None
    masked: set[str] = field(default_factory=set)
    cost: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """One request: the services of the process, and who asks in which language.

    ``identified`` is None for an anonymous request; ``signed_in`` and ``viewer`` then raise
    Unauthenticated. It is None as well for who has yet to set up the second factor that their company asks
    for: they are ``enrolling``, which only what leads out of it looks at (``person``).
    """

    databases: Databases
    settings: Settings
    clock: Clock
    identity: IdentityServices
    viewers: Viewers
    files: FileStore
    file_links: FileLinks
    overlays: Overlays
    dashboard: Dashboard
    identified: Identified | None
    language: Language
    request_address: str
    user_agent: str
    idempotency_key: str | None = None
    answer: Answer = field(default_factory=Answer)
    writing: Writing = field(default_factory=Writing)
    measured: Measured = field(default_factory=Measured)
    enrolling: Identified | None = None
    device: str | None = None
    selected: Selecting | None = None
    """What remembers how this operation's payloads select; None reads the selection anew each time."""

    @property
    def browser(self) -> Browser:
        """Where the request comes from, for what signs somebody in."""
        return Browser(self.request_address, self.user_agent, self.device)

    def signed_in(self) -> Identified:
        if self.enrolling is not None:
            raise TwoFactorRequired
        if self.identified is None:
            raise Unauthenticated(msg("Please sign in or send an API key."))
        return self.identified

    def person(self) -> Identified:
        """Who is signed in at a browser, though they may have to set up a second factor before anything else.

        Raises Unauthenticated, and Forbidden for an API key.
        """
        found = self.enrolling or self.signed_in()
        if found.kind != "session":
            raise Forbidden(msg("This needs a person who is signed in, not an API key."))
        return found

    @property
    def company(self) -> Company:
        return self.signed_in().company

    async def viewer(self) -> Viewer:
        """The member who asks, with the rights they have now (at most 5 seconds old)."""
        return await self.viewers.of(self.signed_in())

    async def schema(self) -> GraphQLSchema:
        """The schema of the company of who asks, its own fields in it: for documents that stand in an input."""
        return await self.overlays.schema_for(await self.viewer())

    def require_scope(self, scope: str) -> None:
        """Raise Forbidden when the API key was not given this scope."""
        if scope not in self.signed_in().scopes:
            raise Forbidden(msg("This API key may not do this: it lacks the scope “{scope}”."), scope=scope)

    def require_recent_authentication(self) -> None:
        """For sensitive changes: only a session passes whose person proved who they are in the last 15 minutes.

        Raises ReauthenticationRequired, and Forbidden for API keys.
        """
        require_recent_authentication(self.enrolling or self.signed_in(), now=self.clock.now())
