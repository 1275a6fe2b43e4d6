"""How a survey looks to whoever answers it: the questions, thanks, and why a link takes no answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time, get_timezone_gmt
from starlette.requests import Request
from starlette.responses import HTMLResponse

from kedang_graphql.pages.forms import Choice
from kedang_graphql.pages.questions import questions_of
from kedang_graphql.pages.rendering import LANGUAGE_NAMES, asset, environment, headers, language_of
from kedang_platform.i18n import LANGUAGES, Language, msg, translate
from kedang_platform.registry import Company
from kedang_tenants.catalogue.languages import text_in
from kedang_tenants.surveys.entries import AnswersRefused, Entry
from kedang_tenants.surveys.sheets import Sheet, last_day

_STYLE, _SCRIPT = "survey.css", "survey.js"
_NO_ICON = "img-src data:"
_TEXTS = {
    "about": msg("About {number}"),
    "open_until": msg("You can answer until {day}."),
    "saved_as_you_go": msg("What you fill in is saved as you go; you can close this page and come back."),
    "save_yourself": msg("Save what you have filled in before you leave this page."),
    "changing": msg("You have sent your answers. You can change them until {moment}."),
    "required": msg("required"),
    "optional": msg("optional"),
    "comment": msg("Comment"),
    "add_comment": msg("Add a comment"),
    "not_likely": msg("0 = not at all likely"),
    "very_likely": msg("10 = very likely"),
    "save": msg("Save"),
    "saved": msg("Saved"),
    "saving": msg("Saving …"),
    "failed": msg("Not saved yet: no connection. We keep trying."),
    "send": msg("Send the answers"),
    "send_changes": msg("Send the changes"),
    "privacy": msg("Your answers go to {company} and to nobody else."),
    "look_again": msg("Please look at these questions again. Nothing has been sent yet."),
    "error": msg("Error"),
    "colon": msg("{label}: "),
}


@dataclass(frozen=True, slots=True)
class Opened:
    """A sheet, whose it is, the language in which it is shown, and the path of its page.

    ``key`` stands in addresses of the page where a browser is told apart by it.
    """

    company: Company
    sheet: Sheet
    language: Language
    path: str
    key: str | None = None


def sheet_page(
    opened: Opened,
    *,
    saved: str | None = None,
    typed: Sequence[Entry] = (),
    refused: AnswersRefused | None = None,
) -> HTMLResponse:
    """The questions. ``saved`` is the number of the part that was just saved, empty for the page as a whole."""
    sheet, language = opened.sheet, opened.language
    values = {
        "sheet": sheet,
        "title": text_in(sheet.name, language),
        "introduction": text_in(sheet.introduction or {}, language),
        "cards": questions_of(sheet, language, typed=typed, refused=refused),
        "texts": _TEXTS,
        "saved": saved,
        "refused": refused is not None,
        "changing": sheet.standing == "EDITABLE",
        "day": _day(sheet.expires_at, opened),
        "moment": _moment(sheet.editable_until, opened) if sheet.editable_until else "",
        "script": asset(_SCRIPT),
        "key": opened.key,
    }
    return public_page(
        "survey.html",
        language,
        opened.path,
        values,
        company=opened.company.name,
        status=422 if refused else 200,
        script=_SCRIPT,
    )


def thanks_note(opened: Opened) -> HTMLResponse:
    """Thanks in the words of the questionnaire, and until when what was sent can be changed."""
    sheet, language = opened.sheet, opened.language
    paragraphs = [
        text_in(sheet.thanks or {}, language) or translate(msg("Your answers have arrived."), language)
    ]
    links: tuple[Choice, ...] = ()
    if sheet.standing == "EDITABLE" and sheet.editable_until is not None:
        moment = _moment(sheet.editable_until, opened)
        until = msg("You can change your answers until {moment}.")
        paragraphs.append(translate(until, language, {"moment": moment}))
        change = f"{opened.path}?change=1&lang={language}" + (f"&k={opened.key}" if opened.key else "")
        links = (Choice(change, translate(msg("Change my answers"), language)),)
    return _note(opened, msg("Thank you!"), paragraphs, links=links, mark="done")


def closed_note(opened: Opened) -> HTMLResponse:
    """Why the link takes no answers any more: it was used, or it has expired."""
    sheet, language = opened.sheet, opened.language
    if sheet.standing == "USED" and sheet.submitted_at is not None:
        said = msg("The answers arrived on {moment}. Thank you! They cannot be changed any more.")
        paragraphs = [translate(said, language, {"moment": _moment(sheet.submitted_at, opened)})]
        return _note(opened, msg("This survey has been answered"), paragraphs, status=410, mark="done")
    over = msg("The time for answering is over, or the survey was withdrawn. It takes no answers any more.")
    direct = msg("Is there something that {company} should know? Please tell them directly.")
    paragraphs = [
        translate(over, language),
        translate(direct, language, {"company": opened.company.name}),
    ]
    return _note(opened, msg("This survey is closed"), paragraphs, status=410, mark="closed")


def unknown_note(request: Request) -> HTMLResponse:
    """What every link is answered that opens nothing, whatever the reason."""
    language = language_of(request)
    said = msg("Please open the link in your mail once more, or copy all of it into the address line.")
    return _bare_note(request, msg("This link leads nowhere"), translate(said, language), status=404)


def failure_note(request: Request, said: str, *, status: int) -> HTMLResponse:
    """What went wrong, and the way back; ``said`` is translated already."""
    back = Choice(request.url.path, translate(msg("Back to the survey"), language_of(request)))
    return _bare_note(request, msg("This did not work"), said, status=status, links=(back,))


def _bare_note(
    request: Request, title: str, said: str, *, status: int, links: Sequence[Choice] = ()
) -> HTMLResponse:
    """A note that names no company and no survey."""
    language = language_of(request)
    values = {
        "title": translate(title, language),
        "mark": "closed",
        "paragraphs": [said],
        "links": links,
    }
    return public_page("survey_note.html", language, request.url.path, values, status=status)


def _note(
    opened: Opened,
    title: str,
    paragraphs: Sequence[str],
    *,
    mark: str,
    links: Sequence[Choice] = (),
    status: int = 200,
) -> HTMLResponse:
    language = opened.language
    values = {
        "title": translate(title, language),
        "subtitle": text_in(opened.sheet.name, language),
        "paragraphs": paragraphs,
        "links": links,
        "mark": mark,
    }
    return public_page(
        "survey_note.html", language, opened.path, values, company=opened.company.name, status=status
    )


def public_page(
    template: str,
    language: Language,
    path: str,
    values: Mapping[str, object],
    *,
    company: str = "",
    status: int = 200,
    script: str | None = None,
) -> HTMLResponse:
    """A page for somebody who does not sign in, in the dress of the answer page; ``path`` is its address."""

    def say(msgid: str, **params: object) -> str:
        return translate(msgid, language, params)

    html = (
        environment()
        .get_template(template)
        .render(
            language=language,
            languages=[(other, LANGUAGE_NAMES[other]) for other in LANGUAGES if other != language],
            company=company,
            path=path,
            style=asset(_STYLE),
            say=say,
            **values,
        )
    )
    told = headers(_STYLE, _NO_ICON, script=script)
    told |= {"vary": "accept-language", "x-robots-tag": "noindex, nofollow"}
    return HTMLResponse(html, status, headers=told)


def _day(moment: datetime, opened: Opened) -> str:
    """The last day on which something can be done, in the company's zone."""
    day = last_day(moment, ZoneInfo(opened.company.time_zone))
    return str(format_date(day, "long", locale=opened.language.replace("-", "_")))


def _moment(moment: datetime, opened: Opened) -> str:
    """A moment in the company's zone, which is named: whoever reads it may live in another."""
    locale = opened.language.replace("-", "_")
    local = moment.astimezone(ZoneInfo(opened.company.time_zone))
    day, time = format_date(local, "long", locale=locale), format_time(local, "short", locale=locale)
    return f"{day} {time} ({get_timezone_gmt(local, 'long', locale=locale)})"
