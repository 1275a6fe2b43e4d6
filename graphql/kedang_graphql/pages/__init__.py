"""Pages for people: made on the server, in two languages, for phones first, working without script."""

from __future__ import annotations

from starlette.routing import Route

from kedang_graphql.pages import (
    calendars,
    inviting,
    mails,
    openid,
    receipts,
    securing,
    signing,
    surveys,
    unsubscribing,
)
from kedang_graphql.pages.requests import Endpoint, guarded


def _form(path: str, show: Endpoint, act: Endpoint) -> list[Route]:
    """A page that shows a form and takes it at the same address."""
    return [
        Route(path, guarded(show), methods=["GET"]),
        Route(path, guarded(act), methods=["POST"]),
    ]


routes: list[Route] = [
    Route("/", guarded(signing.home), methods=["GET"]),
    *_form("/sign-up", signing.sign_up_form, signing.sign_up_sent),
    Route("/sign-up/sent", guarded(signing.mail_is_sent), methods=["GET"]),
    *_form("/confirm", signing.confirm_form, signing.confirmed),
    *_form("/sign-in", signing.sign_in_form, signing.signed_in),
    Route("/sign-in/code", guarded(securing.code_sent), methods=["POST"]),
    *_form("/two-factor", securing.two_factor_form, securing.two_factor_sent),
    *_form("/email", securing.email_form, securing.email_confirmed),
    Route("/sign-in/with/{provider}", guarded(openid.leaving), methods=["GET"]),
    Route("/sign-in/with/{provider}/back", guarded(openid.back), methods=["GET"]),
    Route("/account/link/{provider}", guarded(openid.leaving_to_link), methods=["GET"]),
    Route("/sign-out", guarded(signing.signed_out), methods=["POST"]),
    *_form("/invitation", inviting.invitation_form, inviting.accepted),
    *_form("/reset", inviting.reset_form, inviting.reset_sent),
    Route("/s/{link}", surveys.answering(surveys.sheet_shown), methods=["GET"]),
    Route("/s/{link}", surveys.answering(surveys.sheet_sent), methods=["POST"]),
    Route("/s/{link}/qr.{kind}", surveys.answering(surveys.qr_shown), methods=["GET"]),
    Route("/u/{link}", unsubscribing.guarded_link(unsubscribing.unsubscribe_shown), methods=["GET"]),
    Route("/u/{link}", unsubscribing.guarded_link(unsubscribing.unsubscribe_sent), methods=["POST"]),
    Route("/m/{link}", receipts.receiving(receipts.receipt_shown), methods=["GET"]),
    Route("/m/{link}", receipts.receiving(receipts.receipt_answered), methods=["POST"]),
    Route("/calendar/{link}.ics", calendars.calendar_shown, methods=["GET"]),
    Route("/mail", mails.mail_list, methods=["GET"]),
    Route("/mail.json", mails.mail_json, methods=["GET"]),
    Route("/mail/{mail_id}", mails.mail_shown, methods=["GET"]),
    Route("/mail/{mail_id}/body", mails.mail_body, methods=["GET"]),
]

__all__ = ["routes"]
