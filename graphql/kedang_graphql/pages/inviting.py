"""Accepting an invitation, and choosing a new password."""

from __future__ import annotations

from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from kedang_graphql.authentication import set_device_cookie
from kedang_graphql.pages.forms import Field, Link, Page
from kedang_graphql.pages.rendering import show
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
)
from kedang_graphql.pages.signing import EMAIL, NEW_PASSWORD
from kedang_platform import identity
from kedang_platform.errors import KedangError
from kedang_platform.i18n import msg
from kedang_platform.identity import tokens
from kedang_platform.identity.errors import LinkExpired, LinkUnknown, LinkUsed
from kedang_platform.identity.memberships import open_invitation
from kedang_tenants.people.operations import accept_invitation

_DEAD_LINKS = (LinkUnknown, LinkExpired, LinkUsed)


async def _invitation_page(request: Request, token: str) -> Page:
    """What stands behind the link; raises where it leads nowhere."""
    services = services_of(request)
    async with services.databases.control_read() as read:
        shown = await open_invitation(read, token=token, now=services.clock.now())
    # Shown for the password manager of the browser; what comes back of it is not read.
    account = replace(EMAIL, value=shown.email, autocomplete="username", attributes={"readonly": ""})
    known = Field("password", msg("Your password"), "password", autocomplete="current-password")
    advice = (
        msg("You have an account: give its password.")
        if shown.known
        else msg("Choose a password for your account.")
    )
    return Page(
        title=msg("Join {company}"),
        paragraphs=(msg("Hello {name}, this invitation is for {email}."), advice),
        params={"company": shown.company, "name": shown.name, "email": shown.email},
        fields=(account, known if shown.known else NEW_PASSWORD),
        hidden={"token": token},
        button=msg("Accept the invitation"),
        links=(Link(msg("Forgot the password?"), "/reset"),) if shown.known else (),
    )


async def invitation_form(request: Request) -> Response:
    return show(request, await _invitation_page(request, token_of(request)))


async def accepted(request: Request) -> Response:
    form = await read_form(request)
    token = form.get("token", "")
    try:
        entered = await accept_invitation(
            services_of(request).identity,
            token=token,
            password=form.get("password", ""),
            address=address_of(request),
            user_agent=agent_of(request),
            device=browser_of(request).device,
        )
    except _DEAD_LINKS:
        raise
    except KedangError as error:
        page = await _invitation_page(request, token)
        return show(request, replace(page, errors=errors_of(request, error, page)), status=status_of(error))
    return enter(request, entered)


def _ask_page(email: str = "") -> Page:
    return Page(
        title=msg("Choose a new password"),
        paragraphs=(msg("We send you a link by mail, if the address is known here."),),
        fields=(replace(EMAIL, value=email),),
        button=msg("Send the link"),
        links=(Link(msg("Sign in"), "/sign-in"),),
    )


def _new_password_page(token: str) -> Page:
    return Page(
        title=msg("Choose a new password"),
        paragraphs=(msg("You are then signed out everywhere."),),
        fields=(NEW_PASSWORD,),
        hidden={"token": token},
        button=msg("Set the password"),
    )


async def reset_form(request: Request) -> Response:
    token = token_of(request)
    if not token:
        return show(request, _ask_page())
    services = services_of(request)
    async with services.databases.control_read() as read:
        await tokens.peek(read, "password_reset", token, now=services.clock.now(), repeatable=False)
    return show(request, _new_password_page(token))


async def reset_sent(request: Request) -> Response:
    form = await read_form(request)
    if "token" in form:
        return await _set_password(request, token=form["token"], password=form.get("password", ""))
    email = form.get("email", "")
    try:
        await identity.request_password_reset(
            services_of(request).identity, email=email, address=address_of(request)
        )
    except KedangError as error:
        page = _ask_page(email)
        return show(request, replace(page, errors=errors_of(request, error, page)), status=status_of(error))
    return go(request, "/sign-up/sent")


async def _set_password(request: Request, *, token: str, password: str) -> Response:
    try:
        device = await identity.reset_password(
            services_of(request).identity, token=token, password=password, device=browser_of(request).device
        )
    except _DEAD_LINKS:
        raise
    except KedangError as error:
        page = _new_password_page(token)
        return show(request, replace(page, errors=errors_of(request, error, page)), status=status_of(error))
    page = Page(
        title=msg("The password is changed"),
        paragraphs=(msg("Sign in with the new password."),),
        links=(Link(msg("Sign in"), "/sign-in"),),
    )
    response = show(request, page)
    set_device_cookie(response, device, services_of(request).settings)
    return response
