"""What an ID token must be to prove who somebody is (OpenID Connect Core 1.0, 3.1.3.7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures that count. Symmetric ones do not: whoever knew the client's secret could sign for everybody."""

LEEWAY: Final = 60
"""Seconds that the provider's clock may differ from ours."""

_OLDEST: Final = 600
_LONGEST_SUBJECT: Final = 255


class TokenRefused(Exception):
    """The token proves nothing; says why, for the log only."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says of a person; ``email`` is None unless the provider has verified it."""

    issuer: str
    subject: str
    email: str | None


def verify(text: str, *, keys: KeySet, issuer: str, client_id: str, nonce: str, now: datetime) -> Claims:
    """The claims of a token that ``issuer`` made for this very sign-in; raises ``TokenRefused`` for any other.

    It is signed by one of ``keys`` with an algorithm of ``ALGORITHMS``, made at most ten minutes ago and not
    expired (with a leeway of a minute), for this client, and carries the nonce of the sign-in.
    """
    try:
        token = jwt.decode(text, keys, algorithms=list(ALGORITHMS))
        _registry(issuer=issuer, client_id=client_id, nonce=nonce, now=now).validate(token.claims)
    except (JoseError, ValueError, TypeError) as error:
        raise TokenRefused(str(error)) from error
    _check_party(token.claims, client_id=client_id)
    if token.claims["iat"] < now.timestamp() - _OLDEST:
        raise TokenRefused("issued too long ago")
    subject = token.claims["sub"]
    if not 1 <= len(subject) <= _LONGEST_SUBJECT:
        raise TokenRefused("a subject has 1 to 255 characters")
    return Claims(issuer=issuer, subject=subject, email=verified_email(token.claims))


def _registry(*, issuer: str, client_id: str, nonce: str, now: datetime) -> jwt.JWTClaimsRegistry:
    return jwt.JWTClaimsRegistry(
        now=int(now.timestamp()),
        leeway=LEEWAY,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": client_id},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True, "value": nonce},
    )


def _check_party(claims: dict[str, Any], *, client_id: str) -> None:
    """A token for several audiences names the one that asked for it; a name that stands there is ours."""
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    party = claims.get("azp")
    if party != client_id and (several or party is not None):
        raise TokenRefused("made for another party")
    if not isinstance(claims["nonce"], str):
        raise TokenRefused("the nonce is no text")


def verified_email(claims: Mapping[str, Any]) -> str | None:
    """The address among the claims, where the provider says that it has verified it."""
    email = claims.get("email")
    return email if isinstance(email, str) and claims.get("email_verified") is True else None
