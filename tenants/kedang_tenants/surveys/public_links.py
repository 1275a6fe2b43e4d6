"""Links that everybody gets, on a counter or a leaflet: who opens one may answer, unnamed and once a browser (V3).

A browser gets a key when it opens the link; the invitation comes into being with the first thing that is
filled in, for this key. Without keys of its own a browser is believed: the rest is left to the limits by address.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import orjson

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import BadUserInput, Forbidden, NotFound
from kedang_platform.i18n import Language, msg
from kedang_platform.ids import new_id
from kedang_platform.secret_links import token_hash
from kedang_platform.secrets import SecretKey
from kedang_tenants.catalogue import catalogue
from kedang_tenants.catalogue.languages import language_code
from kedang_tenants.changing import Change, change_internally, visible_record
from kedang_tenants.reading import Scope, Viewer
from kedang_tenants.surveys.links import public_token
from kedang_tenants.surveys.models import LINK, SENT
from kedang_tenants.surveys.sending import ensure_active
from kedang_tenants.surveys.sheets import NOBODY, Rule, Sheet, blank_items, find_sheet_of

RECORD: Final = "survey_link"
LONGEST: Final = timedelta(days=3650)
_LONGEST_NAME: Final = 200
_KEY: Final = re.compile(r"[A-Za-z0-9_-]{22}")
_KEY_BYTES: Final = 16


class LinkNameMissing(BadUserInput):
    """A link is told apart by its name, of at most 200 characters."""


class LinkTimeInvalid(BadUserInput):
    """A link ends at some time in the next ten years."""


@dataclass(frozen=True, slots=True)
class OpenLink:
    """A link that is there; ``sheet`` is what it asks, its standing EXPIRED when it takes no answers any more."""

    id: UUID
    questionnaire_id: UUID
    version_id: UUID
    lifetime: timedelta
    expires_at: datetime
    sheet: Sheet


async def create_link(
    write: TenantWrite,
    viewer: Viewer,
    *,
    questionnaire_id: UUID,
    name: str,
    expires_at: datetime,
    secret: SecretKey,
    clock: Clock,
) -> UUID:
    """Make a link to an active questionnaire.

    Raises Forbidden, NotFound, QuestionnaireInactive, QuestionnaireInternal, LinkNameMissing, LinkTimeInvalid.
    """
    if viewer.on(RECORD).create is Scope.NONE:
        raise Forbidden(msg("You may not do this."))
    await ensure_active(write, questionnaire_id)
    if not 0 < len(name.strip()) <= _LONGEST_NAME:
        raise LinkNameMissing(
            msg("Say where the link is shown, in at most 200 characters."), path=("input", "name")
        )
    if not clock.now() < expires_at <= clock.now() + LONGEST:
        raise LinkTimeInvalid(
            msg("The link has to end within the next ten years."), path=("input", "expiresAt")
        )
    link_id = new_id()
    values = {
        "questionnaire_id": questionnaire_id,
        "name": name.strip(),
        "made_by_id": viewer.member_id,
        "expires_at": expires_at,
    }
    await change_internally(write, viewer, [Change(RECORD, "create", link_id, values=values)], clock=clock)
    await write.fetch(
        "UPDATE survey_link SET token_hash = $2 WHERE id = $1",
        link_id,
        token_hash(public_token(secret, link_id)),
    )
    return link_id


async def revoke_link(write: TenantWrite, viewer: Viewer, *, link_id: UUID, clock: Clock) -> None:
    """End a link at once and for good; repeating it changes nothing. Raises NotFound and Forbidden."""
    row = await write.fetchrow(
        "SELECT made_by_id, revoked_at FROM survey_link WHERE id = $1 FOR UPDATE", link_id
    )
    if row is None or not await visible_record(write, viewer, catalogue().record(RECORD), link_id):
        raise NotFound(msg("There is no such record."), path=("input", "id"))
    if not viewer.reaches(viewer.on(RECORD).create, row["made_by_id"]):
        raise Forbidden(msg("You may not do this for others."), path=("input", "id"))
    if row["revoked_at"] is None:
        values = {"revoked_at": clock.now()}
        await change_internally(
            write, viewer, [Change(RECORD, "update", link_id, values=values)], clock=clock
        )


async def seen_link(read: TenantRead, viewer: Viewer, link_id: UUID) -> None:
    """Raises NotFound for a link that the viewer does not see."""
    if not await visible_record(read, viewer, catalogue().record(RECORD), link_id):
        raise NotFound(msg("There is no such record."))


# --- Answering --------------------------------------------------------------------------------------

_LINK = """
SELECT l.id, l.questionnaire_id, l.expires_at, q.current_version_id AS version_id, q.name, q.expires_after_days,
       q.unhappy_at_most, q.unhappy_detractors, v.introduction, v.thanks,
       l.revoked_at IS NULL AND l.expires_at > $2 AND l.archived_at IS NULL AND q.active AND q.archived_at IS NULL AS open
FROM survey_link l
JOIN questionnaire q ON q.id = l.questionnaire_id
JOIN questionnaire_version v ON v.id = q.current_version_id
WHERE l.token_hash = $1
"""


def new_key() -> str:
    """The key of a browser, 128 bits."""
    return secrets.token_urlsafe(_KEY_BYTES)


def is_key(text: str | None) -> bool:
    """Whether a text can be such a key."""
    return text is not None and _KEY.fullmatch(text) is not None


async def open_link(read: TenantRead, *, token: bytes, language: Language, now: datetime) -> OpenLink | None:
    """The link of this token with its questions, nothing given yet; None where there is none."""
    row = await read.fetchrow(_LINK, token_hash(token), now)
    if row is None:
        return None
    lifetime = timedelta(days=row["expires_after_days"])
    sheet = Sheet(
        invitation_id=NOBODY,
        questionnaire_id=row["questionnaire_id"],
        version_id=row["version_id"],
        customer_id=None,
        contact_id=None,
        language=language,
        name=orjson.loads(row["name"]),
        introduction=orjson.loads(row["introduction"]) if row["introduction"] else None,
        thanks=orjson.loads(row["thanks"]) if row["thanks"] else None,
        about=None,
        state=SENT,
        opened_at=None,
        expires_at=min(row["expires_at"], now + lifetime),
        standing="OPEN" if row["open"] else "EXPIRED",
        answer_id=None,
        submitted_at=None,
        editable_until=None,
        rule=Rule(row["unhappy_at_most"], row["unhappy_detractors"]),
        items=await blank_items(read, row["version_id"]) if row["open"] else (),
    )
    return OpenLink(row["id"], row["questionnaire_id"], row["version_id"], lifetime, row["expires_at"], sheet)


async def sheet_by_key(read: TenantRead, link: OpenLink, key: str, *, now: datetime) -> Sheet | None:
    """What the browser with this key has filled in by the link so far; None where it has not begun."""
    return await find_sheet_of(read, occasion=_occasion(link, key), now=now)


async def begin_by_link(
    write: TenantWrite, viewer: Viewer, link: OpenLink, key: str, *, language: Language, clock: Clock
) -> Sheet:
    """The sheet of the browser with this key, begun if it is not: of two forms at the same moment one begins it."""
    now = clock.now()
    occasion = _occasion(link, key)
    await write.fetch("SELECT pg_advisory_xact_lock(hashtext('survey_link'), hashtext($1))", occasion)
    found = await find_sheet_of(write, occasion=occasion, now=now)
    if found is not None:
        return found
    values = {
        "questionnaire_id": link.questionnaire_id,
        "version_id": link.version_id,
        "link_id": link.id,
        "occasion": occasion,
        "channel": LINK,
        "language": language_code(language),
        "due_at": now,
        "expires_at": min(link.expires_at, now + link.lifetime),
    }
    await change_internally(
        write, viewer, [Change("survey_invitation", "create", values=values)], clock=clock
    )
    begun = await find_sheet_of(write, occasion=occasion, now=now)
    assert begun is not None
    return begun


def _occasion(link: OpenLink, key: str) -> str:
    """Only this browser can name it: the key itself is not kept."""
    return f"link:{link.id.hex}:{hashlib.sha256(key.encode()).hexdigest()}"
