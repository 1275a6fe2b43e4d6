"""The security log: who got in, who did not and why, what was refused, which defences were met.

Lines of the logger ``kedang.security``, one an event, with a stable name. They alone tell ids of companies, members,
persons, sessions and keys - ids that mean nothing outside the installation, and by which its operator finds in the
company's audit trail who it was - and roughly where from. Addresses, names and what was typed are told by none.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import structlog

from kedang_platform.observing import metrics
from kedang_platform.observing.logs import SECURITY

EVENTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "sign_in.succeeded": "somebody is in; `method` tells how",
        "sign_in.challenged": "the first step was right, a code is asked for",
        "sign_in.failed": "a first step was refused, for `reason`",
        "second_step.succeeded": "a code was right, somebody is in",
        "second_step.failed": "a code was refused, for `reason`",
        "reauthentication.succeeded": "who is in has proved again who they are",
        "reauthentication.failed": "who is in could not prove it, for `reason`",
        "two_factor.switched_on": "a person has a second factor from now on",
        "two_factor.switched_off": "a person has none any more",
        "two_factor.refused": "switching it on or off was refused, for `reason`",
        "recovery_codes.renewed": "the old recovery codes of a person are void",
        "password.changed": "a person has another password; every other session has ended",
        "password.refused": "changing a password was refused, for `reason`",
        "password.reset_asked": "a link for a new password was asked for",
        "password.reset": "a password was set by such a link; every session has ended",
        "password.reset_refused": "such a link, or the password, was refused, for `reason`",
        "identity.proved": "an OpenID provider has told who somebody is",
        "session.ended": "a person has signed out, here or elsewhere",
        "sessions.ended": "a person has ended all other sessions",
        "credential.refused": "a session or a key was shown that is unknown, over or revoked",
        "access.refused": "somebody known, or nobody known, may not do what was asked, for `reason`",
        "limit.reached": "somebody asked too often or too much, for `reason`",
        "defence.met": "a request was of a kind that no client of ours sends, for `reason`",
    }
)
"""Every event and what it tells; tested against docs/operations.md."""

_ACCESS: Final = (
    *(
        "FORBIDDEN",
        "UNAUTHENTICATED",
        "TWO_FACTOR_REQUIRED",
        "REAUTHENTICATION_REQUIRED",
        "COMPANY_SUSPENDED",
    ),
    *("COMPANY_INACTIVE", "MEMBER_SUSPENDED", "BEYOND_YOUR_OWN", "BEYOND_READING", "SCOPE_NEEDS_OWNER"),
    *("VIEW_ONLY_WRITES", "NOT_YOURS_TO_DECIDE", "OWN_REQUEST"),
)
_LIMITS: Final = ("THROTTLED", "TOO_MANY_ATTEMPTS", "TOO_BUSY", "TOO_MANY_OPERATIONS", "BODY_TOO_SLOW")
_DEFENCES: Final = (
    *("QUERY_TOO_LARGE", "DOCUMENT_TOO_LARGE", "VARIABLES_TOO_LARGE", "BODY_TOO_LARGE", "NOT_ALLOWED_HERE"),
    *("BAD_CURSOR", "LINK_INVALID", "ADDRESS_REFUSED", "URL_REFUSED", "FILE_KIND_REFUSED", "ATTEMPT_UNKNOWN"),
    *("PROOF_INVALID", "IDEMPOTENCY_KEY_REUSED"),
)
OF_CODES: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(_ACCESS, "access.refused"),
        **dict.fromkeys(_LIMITS, "limit.reached"),
        **dict.fromkeys(_DEFENCES, "defence.met"),
    }
)
"""Which refusals of the API are events here, by their code; all others are mistakes of people."""

log = structlog.get_logger(SECURITY)


def note(event: str, **facts: object) -> None:
    """Tell an event of ``EVENTS``, with facts as ``logs.FACTS`` has them; what is None is not told."""
    if event not in EVENTS:
        raise KeyError(event)
    metrics.SECURITY.labels(event).inc()
    log.info(event, **{name: value for name, value in facts.items() if value is not None})


def note_refusal(code: str, **facts: object) -> None:
    """Tell a refusal, where it is one that concerns security."""
    event = OF_CODES.get(code)
    if event is not None:
        note(event, reason=code, **facts)
