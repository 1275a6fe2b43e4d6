"""Signing up, confirming, signing in and out, and the page that one then stands on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from kedang_graphql.authentication import set_session_cookie
from kedang_graphql.context import SessionCookie
from kedang_graphql.pages import choices, openid
from kedang_graphql.pages.forms import Field, Link, Page
from kedang_graphql.pages.mails import shown_here
from kedang_graphql.pages.rendering import language_of, show
from kedang_graphql.pages.requests import (
    address_of,
    agent_of,
    browser_of,
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
from kedang_platform.identity import tokens
from kedang_platform.identity.passwords import LONGEST, SHORTEST
from kedang_platform.identity.people import find_person
from kedang_platform.identity.second_factors import has_second_factor
from kedang_tenants.opening import SignUp, confirm_email, sign_up

NEW_PASSWORD = Field(
    "password",
    msg("Password"),
    "password",
    hint=msg("At least 10 characters, none that are easy to guess."),
    autocomplete="new-password",
    attributes={"minlength": str(SHORTEST), "maxlength": str(LONGEST)},
)
EMAIL = Field("email", msg("E-mail"), "email", autocomplete="email", attributes={"maxlength": "254"})


def _sign_up_page(request: Request, typed: Mapping[str, str]) -> Page:
    language = language_of(request)
    given = {**choices.usual(language), **typed}
    lists = {
        "country": (msg("Country"), choices.country_choices(language), "country"),
        "timeZone": (msg("Time zone"), choices.time_zone_choices(language), "off"),
        "currency": (msg("Currency"), choices.currency_choices(language), "off"),
        "language": (msg("Language"), choices.LANGUAGES, "language"),
    }
    return Page(
        title=msg("Sign up your company"),
        paragraphs=(msg("Two seats are free for ever. You need no payment data."),),
        fields=(
            Field(
                "companyName",
                msg("Company name"),
                autocomplete="organization",
                value=given.get("companyName", ""),
                attributes={"maxlength": "200"},
            ),
            Field(
                "name",
                msg("Your name"),
                autocomplete="name",
                value=given.get("name", ""),
                attributes={"maxlength": "100"},
            ),
            replace(EMAIL, value=given.get("email", "")),
            NEW_PASSWORD,
            *(
                Field(name, label, "select", autocomplete=fills, value=given[name], groups=groups)
                for name, (label, groups, fills) in lists.items()
            ),
        ),
        button=msg("Sign up"),
        links=(Link(msg("I have an account: sign in"), "/sign-in"),),
    )


async def sign_up_form(request: Request) -> Response:
    return show(request, _sign_up_page(request, {}))


async def sign_up_sent(request: Request) -> Response:
    form = await read_form(request)
    services = services_of(request)
    wish = SignUp(
        email=form.get("email", ""),
        name=form.get("name", ""),
        company=form.get("companyName", ""),
        country=form.get("country", ""),
        language=form.get("language", ""),
        time_zone=form.get("timeZone", ""),
        currency=form.get("currency", ""),
    )
    try:
        await sign_up(services.identity, wish, password=form.get("password", ""), address=address_of(request))
    except KedangError as error:
        page = _sign_up_page(request, form)
        return show(request, replace(page, errors=errors_of(request, error, page)), status=status_of(error))
    return go(request, "/sign-up/sent")


async def mail_is_sent(request: Request) -> Response:
    links = (Link(msg("Open the mail page"), "/mail"),) if shown_here(request) else ()
    page = Page(
        title=msg("Look into your mailbox"),
        paragraphs=(
            msg("We have sent you a mail. Open the link in it to go on."),
            msg("Nothing came? Look among the unwanted mails, or try again in a few minutes."),
        ),
        links=links,
    )
    return show(request, page)


async def confirm_form(request: Request) -> Response:
    services = services_of(request)
    async with services.databases.control_read() as read:
        wish = await tokens.peek(read, "confirm_email", token_of(request), now=services.clock.now())
    company = wish.get("company")
    page = Page(
        title=msg("Confirm your e-mail address"),
        paragraphs=(msg("With one click {company} is ready."),) if company else (),
        params={"company": company or ""},
        button=msg("Confirm and open the company"),
        hidden={"token": token_of(request)},
    )
    return show(request, page)


async def confirmed(request: Request) -> Response:
    form = await read_form(request)
    entered = await confirm_email(
        services_of(request).identity,
        token=form.get("token", ""),
        address=address_of(request),
        user_agent=agent_of(request),
        device=browser_of(request).device,
    )
    return enter(request, entered)


def _sign_in_page(request: Request, email: str = "") -> Page:
    return Page(
        title=msg("Sign in"),
        fields=(
            replace(EMAIL, value=email, autocomplete="username"),
            Field("password", msg("Password"), "password", autocomplete="current-password"),
        ),
        button=msg("Sign in"),
        links=(
            *openid.ways_in(request),
            Link(msg("Forgot the password?"), "/reset"),
            Link(msg("Sign up your company"), "/sign-up"),
        ),
    )


async def sign_in_form(request: Request) -> Response:
    return show(request, _sign_in_page(request))


async def signed_in(request: Request) -> Response:
    form = await read_form(request)
    try:
        opened = await identity.sign_in(
            services_of(request).identity,
            email=form.get("email", ""),
            password=form.get("password", ""),
            address=address_of(request),
            user_agent=agent_of(request),
            device=browser_of(request).device,
        )
    except KedangError as error:
        page = _sign_in_page(request, form.get("email", ""))
        return show(request, replace(page, errors=errors_of(request, error, page)), status=status_of(error))
    return enter(request, opened)


async def signed_out(request: Request) -> Response:
    await read_form(request)
    services = services_of(request)
    identified = await who(request, enrolling=True)
    if identified is not None:
        await identity.sign_out(
            services.identity, person_id=identified.person_id, session_id=identified.credential_id
        )
    response = go(request, "/sign-in")
    set_session_cookie(response, SessionCookie(None, None), services.settings)
    return response


async def home(request: Request) -> Response:
    """Where one stands after signing in; the way in for everybody else."""
    identified = await who(request, enrolling=True)
    if identified is None:
        return show(request, _welcome())
    if identified.must_enrol:
        return go(request, "/two-factor")
    async with services_of(request).databases.control_read() as read:
        person = await find_person(read, person_id=identified.person_id)
        has_code = await has_second_factor(read, person_id=identified.person_id)
    page = Page(
        title="{company}",
        paragraphs=(msg("You are signed in as {name} ({email})."),),
        params={"company": identified.company.name, "name": person.name, "email": person.email},
        links=(
            Link(msg("Open the API (GraphiQL)"), "/graphql"),
            *(() if has_code else (Link(msg("Set up two-factor sign-in"), "/two-factor"),)),
            *openid.ways_to_link(request),
        ),
        button=msg("Sign out"),
        action="/sign-out",
    )
    return show(request, page)


def _welcome() -> Page:
    return Page(
        title=msg("Kedang, customer archives"),
        paragraphs=(msg("Who your customers are, what they are worth, and who looks after them next."),),
        links=(Link(msg("Sign in"), "/sign-in"), Link(msg("Sign up your company"), "/sign-up")),
    )
