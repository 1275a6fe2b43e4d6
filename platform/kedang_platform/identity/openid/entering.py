"""Signing in with a provider, the whole way round; and linking an identity to whoever is signed in."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from uuid import UUID

import structlog
from joserfc.errors import JoseError
from joserfc.jws import extract_compact

from kedang_platform.database import ControlTransaction
from kedang_platform.i18n import choose_language
from kedang_platform.identity import letters, throttle
from kedang_platform.identity.emails import normalise
from kedang_platform.identity.errors import InvalidEmail
from kedang_platform.identity.openid.attempts import Attempt, Begun, begin_attempt, take_attempt
from kedang_platform.identity.openid.errors import (
    AttemptUnknown,
    IdentityNotLinked,
    IdentityTaken,
    ProofInvalid,
    SignInCalledOff,
)
from kedang_platform.identity.openid.id_token import Claims, TokenRefused, verified_email, verify
from kedang_platform.identity.openid.linking import link, person_behind, person_of_address
from kedang_platform.identity.openid.providers import CodeRefused, Provider, Tokens
from kedang_platform.identity.services import IdentityServices
from kedang_platform.identity.watching import watched
from kedang_platform.ids import new_id
from kedang_platform.mail import Outgoing, post

log = structlog.get_logger(__name__)

_PERSON = "SELECT id, email, name, language FROM platform.person WHERE id = $1"


@dataclass(frozen=True, slots=True)
class Departure:
    """Where the browser goes, and what its cookie holds until it is back (``attempts.LIFETIME``)."""

    address: str
    browser: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Return:
    """What the provider sent back with the browser, as it stands in the address."""

    state: str
    browser: str = field(repr=False)
    code: str | None = field(default=None, repr=False)
    error: str | None = None
    issuer: str | None = None


@dataclass(frozen=True, slots=True)
class Proved:
    """Who came back. ``linked_now`` tells that the identity was not theirs before."""

    person_id: UUID
    email: str
    linked_now: bool


async def depart(
    services: IdentityServices,
    *,
    provider_key: str,
    redirect_uri: str,
    address: str,
    language: str,
    person_id: UUID | None = None,
) -> Departure:
    """Begin a sign-in at a provider; with ``person_id`` the identity will be linked to that person.

    Raises ``ProviderUnknown``, ``ProviderUnreachable``, and ``TooManyAttempts`` beyond 100 begun in 15
    minutes by one ``address``.
    """
    provider = services.openid[provider_key]
    await provider.metadata()
    now = services.clock.now()
    async with services.databases.control() as control:
        await throttle.spend(control, (throttle.OPENID_ADDRESS, address), now=now)
        begun = await begin_attempt(control, provider=provider_key, person_id=person_id, now=now)
    return Departure(await _address(provider, begun, redirect_uri, language), begun.browser)


async def _address(provider: Provider, begun: Begun, redirect_uri: str, language: str) -> str:
    return await provider.address(
        redirect_uri=redirect_uri,
        state=begun.state,
        nonce=begun.nonce,
        challenge=begun.challenge,
        language=choose_language(language),
    )


@watched("identity.proved", "sign_in.failed")
async def arrive(
    services: IdentityServices,
    *,
    provider_key: str,
    redirect_uri: str,
    came: Return,
    signed_in: UUID | None = None,
) -> Proved:
    """Who the provider says has come back; whoever ends the sign-in decides what they may enter.

    ``signed_in`` is whose session the browser has now: only who has stayed signed in links an identity.
    Raises ``ProviderUnknown``, ``AttemptUnknown``, ``SignInCalledOff``, ``ProofInvalid``,
    ``ProviderUnreachable``, ``IdentityNotLinked`` and ``IdentityTaken``; nothing is linked then.
    """
    provider = services.openid[provider_key]
    async with services.databases.control() as control:
        attempt = await take_attempt(
            control,
            provider=provider_key,
            state=came.state,
            browser=came.browser,
            now=services.clock.now(),
        )
    if attempt.person_id is not None and attempt.person_id != signed_in:
        raise AttemptUnknown
    claims = await _prove(services, provider, attempt, came, redirect_uri)
    async with services.databases.control() as control:
        if attempt.person_id is not None:
            return await _link_to(services, control, provider, claims, person_id=attempt.person_id)
        return await _find(services, control, provider, claims)


async def _prove(
    services: IdentityServices, provider: Provider, attempt: Attempt, came: Return, redirect_uri: str
) -> Claims:
    name = provider.given.name
    metadata = await provider.metadata()
    if came.issuer != provider.given.issuer and (came.issuer is not None or metadata.tells_issuer):
        raise ProofInvalid(provider=name)
    if came.error is not None or came.code is None:
        raise SignInCalledOff(provider=name)
    try:
        tokens = await provider.exchange(came.code, redirect_uri=redirect_uri, verifier=attempt.verifier)
        claims = verify(
            tokens.identity,
            keys=await provider.keys(kid=_kid_of(tokens.identity)),
            issuer=provider.given.issuer,
            client_id=provider.given.client_id,
            nonce=attempt.nonce,
            now=services.clock.now(),
        )
    except (CodeRefused, TokenRefused) as error:
        log.warning("openid.proof_refused", provider=provider.given.key, error=type(error).__name__)
        raise ProofInvalid(provider=name) from error
    return await _with_address(provider, claims, tokens)


async def _with_address(provider: Provider, claims: Claims, tokens: Tokens) -> Claims:
    """The claims with the verified address, which many providers tell only when they are asked for it."""
    if claims.email is not None or tokens.access is None:
        return claims
    about = await provider.about(tokens.access)
    return replace(claims, email=verified_email(about)) if about.get("sub") == claims.subject else claims


def _kid_of(text: str) -> str | None:
    """The key that the token says it is signed with; only a hint, the signature decides."""
    try:
        kid = extract_compact(text.encode()).headers().get("kid")
    except (JoseError, ValueError, TypeError) as error:
        raise TokenRefused("no token") from error
    return kid if isinstance(kid, str) else None


async def _find(
    services: IdentityServices, control: ControlTransaction, provider: Provider, claims: Claims
) -> Proved:
    """The person behind the identity, linked by the verified address where it is the first time."""
    now = services.clock.now()
    person_id = await person_behind(control, claims, now=now)
    if person_id is not None:
        return await _proved(control, person_id, linked_now=False)
    email = _address_of(claims) if provider.given.trusts_email else None
    person_id = await person_of_address(control, email) if email else None
    if person_id is None:
        raise IdentityNotLinked(provider=provider.given.name)
    return await _link_to(services, control, provider, claims, person_id=person_id)


def _address_of(claims: Claims) -> str | None:
    try:
        return normalise(claims.email) if claims.email is not None else None
    except InvalidEmail:
        return None


async def _link_to(
    services: IdentityServices,
    control: ControlTransaction,
    provider: Provider,
    claims: Claims,
    *,
    person_id: UUID,
) -> Proved:
    now = services.clock.now()
    before = await person_behind(control, claims, now=now)
    if await link(control, claims, person_id=person_id, now=now) != person_id:
        raise IdentityTaken(provider=provider.given.name)
    proved = await _proved(control, person_id, linked_now=before is None)
    if proved.linked_now:
        await _tell(services, control, provider, claims, person_id=person_id)
    return proved


async def _proved(control: ControlTransaction, person_id: UUID, *, linked_now: bool) -> Proved:
    row = await control.fetchrow(_PERSON, person_id)
    assert row is not None, "the identity's foreign key names a person"
    return Proved(row["id"], row["email"], linked_now)


async def _tell(
    services: IdentityServices,
    control: ControlTransaction,
    provider: Provider,
    claims: Claims,
    *,
    person_id: UUID,
) -> None:
    row = await control.fetchrow(_PERSON, person_id)
    assert row is not None, "the person was found in this transaction"
    letter = letters.identity_linked(
        base_url=services.settings.base_url,
        name=row["name"],
        provider=provider.given.name,
        account=claims.email or claims.subject,
    )
    mail = Outgoing(letter, row["email"], row["language"], key=f"identity_linked:{new_id()}")
    await post(control, [mail], sender=services.settings.mail_from, now=services.clock.now())
