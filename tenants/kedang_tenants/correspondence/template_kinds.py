"""The kinds of mails that a company can word itself, with what may stand in them and the product's own words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from kedang_platform.errors import BadUserInput
from kedang_platform.i18n import Language, msg, translate

LINK: Final = "link"
GREETING: Final = "greeting"
SURVEY_INVITATION, SURVEY_REMINDER = "survey.invitation", "survey.reminder"
MEETING_MINUTES: Final = "meeting.minutes"


class UnknownMailKind(BadUserInput):
    """There are no mails of this kind that could be worded."""


@dataclass(frozen=True, slots=True)
class Placeholder:
    """Something that is filled in; ``label`` tells people what, ``sample`` stands in a preview. Both are msgids."""

    name: str
    label: str
    sample: str


@dataclass(frozen=True, slots=True)
class Words:
    """The text of a template: one paragraph a line, ``{link}`` alone on the line where the button is."""

    subject: str
    body: str
    button: str


@dataclass(frozen=True, slots=True)
class TemplateKind:
    """``required`` must stand in the text. ``subject``, ``paragraphs`` and ``button`` are msgids."""

    code: str
    label: str
    placeholders: tuple[Placeholder, ...]
    required: frozenset[str]
    subject: str
    paragraphs: tuple[str, ...]
    button: str

    @property
    def names(self) -> frozenset[str]:
        """What may stand in the text."""
        return frozenset(each.name for each in self.placeholders)

    def words(self, language: Language) -> Words:
        """The product's words."""
        body = "\n".join(translate(paragraph, language) for paragraph in self.paragraphs)
        return Words(translate(self.subject, language), body, translate(self.button, language))

    def samples(self, language: Language) -> Mapping[str, str]:
        """What stands in a preview."""
        return {each.name: translate(each.sample, language) for each in self.placeholders}


_COMMON: Final = (
    Placeholder(GREETING, msg("Greeting, with the name where one is known"), msg("Hello Maria Anders,")),
    Placeholder("name", msg("Name of the contact; empty where none is known"), "Maria Anders"),
    Placeholder("company", msg("Name of your company"), "Northwind Traders"),
    Placeholder("customer", msg("Name of the customer"), "Alfreds Futterkiste"),
)
_SURVEY: Final = (
    *_COMMON,
    Placeholder(
        "occasion",
        msg("Why you ask: the request, the delivery …"),
        msg("you have received a delivery from us (D-1042). How satisfied are you?"),
    ),
    Placeholder("day", msg("Last day on which the link works"), "2027-03-31"),
    Placeholder(LINK, msg("The button with the link"), "https://kedang.example/s/…"),
)
_MEETING: Final = (
    *_COMMON,
    Placeholder("meeting", msg("Subject of the meeting"), msg("Planning the second quarter")),
    Placeholder("day", msg("Day of the meeting"), "2027-03-31"),
    Placeholder("minutes", msg("The minutes"), msg("Prices stay as they are until June.")),
    Placeholder(
        "actions", msg("Who does what until when"), msg("Maria Anders: quantities, until 2027-04-07")
    ),
    Placeholder("writer", msg("Who wrote the minutes"), "Andrew Fuller"),
    Placeholder(LINK, msg("The button with the link"), "https://kedang.example/m/…"),
)
_INVITES: Final = (
    "{link}",
    msg("The link is yours alone and works until {day}."),
    msg("You get this mail because {company} has you as a contact of {customer}."),
)

TEMPLATE_KINDS: Final[Mapping[str, TemplateKind]] = MappingProxyType(
    {
        kind.code: kind
        for kind in (
            TemplateKind(
                SURVEY_INVITATION,
                msg("Invitation to a survey"),
                _SURVEY,
                frozenset({LINK}),
                msg("{company} asks for your opinion"),
                (
                    "{greeting}",
                    "{occasion}",
                    msg("It takes a few minutes, and every comment is read."),
                    *_INVITES,
                ),
                msg("Give your opinion"),
            ),
            TemplateKind(
                SURVEY_REMINDER,
                msg("Reminder of a survey"),
                _SURVEY,
                frozenset({LINK}),
                msg("A reminder: {company} asks for your opinion"),
                (
                    "{greeting}",
                    msg("a few days ago we asked for your opinion; the link still works."),
                    msg("It takes a few minutes, and every comment is read."),
                    *_INVITES,
                ),
                msg("Give your opinion"),
            ),
            TemplateKind(
                MEETING_MINUTES,
                msg("Minutes of a meeting"),
                _MEETING,
                frozenset({"minutes"}),
                msg("Minutes: {meeting}"),
                (
                    "{greeting}",
                    msg("thank you for meeting us on {day}. This is what was said and agreed:"),
                    "{minutes}",
                    "{actions}",
                    "{link}",
                    msg("Please confirm there that you got these minutes, or say what is missing or wrong."),
                    "{writer}",
                ),
                msg("Confirm or object"),
            ),
        )
    }
)


def template_kind(code: str, *, path: tuple[str | int, ...] = ("input", "kind")) -> TemplateKind:
    """The kind of that code; raises UnknownMailKind."""
    found = TEMPLATE_KINDS.get(code)
    if found is None:
        raise UnknownMailKind(msg("There are no mails of the kind “{kind}”."), path=path, kind=code[:50])
    return found
