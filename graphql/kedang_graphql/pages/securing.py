"""The second step of a sign-in, setting a second factor up where a company asks for it, and a new address."""

from __future__ import annotations

from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from kedang_graphql.authentication import set_session_cookie
from kedang_graphql.context import SessionCookie
from kedang_graphql.pages.forms import Link, Page
from kedang_graphql.pages.rendering import show
from kedang_graphql.pages.requests import (
    CODE,
    browser_of,
    code_page,
    enter,
    errors_of,
    go,
    read_form,
    services_of,
    status_of,
    token_of,
    who,
)
from kedang_platform import identity
from kedang_platform.errors import KedangError
from kedang_platform.i18n import msg
from kedang_platform.identity import Identified, ReauthenticationRequired, tokens
from kedang_platform.identity.errors import SignInExpired
from kedang_platform.identity.own_account import confirm_email_change
from kedang_platform.identity.recent import require_recent_authentication
from kedang_platform.identity.second_factors import has_second_factor
from kedang_platform.identity.two_factor import confirm_two_factor, start_two_factor


async def code_sent(request: Request) -> Response:
    form = await read_form(request)
    challenge = form.get("challenge", "")
    try:
        signed_in = await identity.complete_sign_in(
            services_of(request).identity,
            challenge=challenge,
            code=form.get("code", ""),
            browser=browser_of(request),
        )
    except SignInExpired:
        raise
    except KedangError as error:
        page = code_page(challenge)
        return show(request, replace(page, errors=errors_of(request, error, page)), status=status_of(error))
    return enter(request, signed_in)


async def two_factor_form(request: Request) -> Response:
    person = await who(request, enrolling=True)
    if person is None or not _is_fresh(request, person):
        return go(request, "/sign-in")
    async with services_of(request).databases.control_read() as read:
        if await has_second_factor(read, person_id=person.person_id):
            return show(
                request, Page(title=msg("Two-factor sign-in is on"), links=(Link(msg("Go on"), "/"),))
            )
    asked = msg("{company} asks for a one-time code at sign-in, beside the password.")
    page = Page(
        title=msg("Set up two-factor sign-in"),
        paragraphs=(
            *((asked,) if person.must_enrol else ()),
            msg("You need an app that makes one-time codes, on your phone or in your password manager."),
        ),
        params={"company": person.company.name},
        hidden={"step": "begin"},
        button=msg("Begin"),
    )
    return show(request, page)


async def two_factor_sent(request: Request) -> Response:
    form = await read_form(request)
    person = await who(request, enrolling=True)
    if person is None or not _is_fresh(request, person):
        return go(request, "/sign-in")
    if form.get("step") != "confirm":
        enrolment = await start_two_factor(services_of(request).identity, person)
        return show(request, _secret_page(enrolment.secret))
    try:
        codes, token = await confirm_two_factor(
            services_of(request).identity, person, code=form.get("code", "")
        )
    except KedangError as error:
        page = _secret_page(form.get("secret", ""))
        return show(request, replace(page, errors=errors_of(request, error, page)), status=status_of(error))
    response = show(request, _codes_page(codes))
    settings = services_of(request).settings
    set_session_cookie(response, SessionCookie(token, person.expires_at), settings)
    return response


async def email_form(request: Request) -> Response:
    services = services_of(request)
    async with services.databases.control_read() as read:
        await tokens.peek(read, "change_email", token_of(request), now=services.clock.now())
    page = Page(
        title=msg("Confirm your new e-mail address"),
        paragraphs=(msg("From then on you sign in with this address."),),
        hidden={"token": token_of(request)},
        button=msg("Confirm the e-mail address"),
    )
    return show(request, page)


async def email_confirmed(request: Request) -> Response:
    form = await read_form(request)
    await confirm_email_change(services_of(request).identity, token=form.get("token", ""))
    page = Page(
        title=msg("Your e-mail address was changed"),
        paragraphs=(msg("From now on you sign in with this address."),),
        links=(Link(msg("Go on"), "/"),),
    )
    return show(request, page)


def _is_fresh(request: Request, person: Identified) -> bool:
    """Whether the person has just proved who they are; else they sign in again before."""
    try:
        require_recent_authentication(person, now=services_of(request).clock.now())
    except ReauthenticationRequired:
        return False
    return True


def _secret_page(secret: str) -> Page:
    groups = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
    return Page(
        title=msg("Set up two-factor sign-in"),
        paragraphs=(
            msg("Add an account in the app and type this key in; it is told only now:"),
            "{secret}",
            msg("Then enter the code that the app shows."),
        ),
        params={"secret": groups},
        fields=(CODE,),
        hidden={"step": "confirm", "secret": secret},
        button=msg("Switch on"),
    )


def _codes_page(codes: list[str]) -> Page:
    return Page(
        title=msg("Two-factor sign-in is on"),
        paragraphs=(
            msg("Keep these recovery codes. Each signs you in once without the app; they are told only now:"),
            *(f"{{code{number}}}" for number in range(len(codes))),
        ),
        params={f"code{number}": code for number, code in enumerate(codes)},
        links=(Link(msg("Go on"), "/"),),
    )
