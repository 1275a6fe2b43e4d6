"""What a page shows: a form or a message, said as data in the words of the trade."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Group:
    """Choices under a heading; without one they stand in the list itself."""

    label: str
    choices: Sequence[Choice]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form. ``label`` and ``hint`` are msgids; ``groups`` make it a list to choose from."""

    name: str
    label: str
    kind: str = "text"
    hint: str = ""
    autocomplete: str = "off"
    value: str = ""
    groups: Sequence[Group] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Link:
    """A way on; ``label`` is a msgid, filled from ``params``."""

    label: str
    path: str
    params: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """A whole page. Texts are msgids, filled from ``params``; a page with a ``button`` is a form that
    posts to its own address. ``errors`` maps a field's name to what is wrong with it, already translated;
    the empty name is the form as a whole.
    """

    title: str
    paragraphs: Sequence[str] = ()
    params: Mapping[str, object] = field(default_factory=dict)
    fields: Sequence[Field] = ()
    hidden: Mapping[str, str] = field(default_factory=dict)
    button: str = ""
    action: str = ""
    links: Sequence[Link] = ()
    errors: Mapping[str, str] = field(default_factory=dict)
