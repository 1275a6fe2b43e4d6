"""The questionnaires that a company begins with: drafts, so that nobody is asked anything before it says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.ids import new_id
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.reading import Viewer
from kedang_tenants.surveys.items import create_items
from kedang_tenants.surveys.models import LEVEL
from kedang_tenants.surveys.template_texts import TEXTS, Question, Template


async def seed_questionnaires(write: TenantWrite, viewer: Viewer, *, clock: Clock) -> None:
    """Make the three questionnaires of V2, each inactive and with its first version as a draft."""
    made = [_Made(template) for template in TEXTS.values()]
    changes = [*(each.questionnaire() for each in made), *(each.version() for each in made)]
    await change_internally(write, viewer, changes, clock=clock)
    await create_items(write, viewer, [item for each in made for item in each.items()], clock=clock)


class _Made:
    """One template with the ids that it gets in this company."""

    def __init__(self, template: Template) -> None:
        self._template = template
        self._questionnaire_id = new_id()
        self._version_id = new_id()

    def questionnaire(self) -> Change:
        values = {
            "name": self._template.name.stored,
            "template": self._template.code,
            "trigger": self._template.trigger,
        }
        return Change("questionnaire", "create", self._questionnaire_id, values=values)

    def version(self) -> Change:
        values = {
            "questionnaire_id": self._questionnaire_id,
            "number": 1,
            "introduction": self._template.introduction.stored,
            "thanks": self._template.thanks.stored,
        }
        return Change("questionnaire_version", "create", self._version_id, values=values)

    def items(self) -> Iterator[Mapping[str, object]]:
        return self._items(self._template.questions, None, count(1))

    def _items(
        self, questions: Sequence[Question], parent: UUID | None, positions: Iterator[int]
    ) -> Iterator[Mapping[str, object]]:
        """The questions and their parts in the order in which they are read."""
        for question in questions:
            item_id = new_id()
            yield {
                "id": item_id,
                "version_id": self._version_id,
                "parent_id": parent,
                "position": next(positions),
                "key": question.key,
                "kind": question.kind,
                "label": question.label.stored,
                "help": question.help.stored if question.help else None,
                "required": question.required,
                "commentable": question.kind == LEVEL,
            }
            yield from self._items(question.parts, item_id, positions)
