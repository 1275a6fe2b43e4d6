"""A published questionnaire with a question of every kind, and invitations to it with their links."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from kedang_platform.clock import Clock, SystemClock
from kedang_platform.database import Databases
from kedang_platform.ids import new_id
from kedang_platform.registry import Company
from kedang_platform.secret_links import token_hash
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.people.viewers import system_viewer
from kedang_tenants.surveys.entries import Entry
from kedang_tenants.surveys.links import (
    invitation_token,
    public_path,
    public_token,
    survey_path,
)
from kedang_tenants.surveys.models import QuestionnaireVersion
from kedang_tenants.surveys.versions import publish_version
from tests.support.database import SECRET
from tests.support.factories import Factory

assert QuestionnaireVersion  # the records of surveys are known

NAME = {"en": "After-service survey", "zh": "服务满意度调查"}
INTRODUCTION = {
    "en": "How was our visit?\nEvery answer is read.",
    "zh": "这次服务如何？\n我们会认真阅读每一条意见。",
}
THANKS = {"en": "The people in charge read it today.", "zh": "相关负责人今天就会阅读。"}
OFFERS = [
    {"code": "PHONE", "label": {"en": "By phone", "zh": "电话"}},
    {"code": "EMAIL", "label": {"en": "By e-mail", "zh": "电子邮件"}},
    {"code": "NEVER", "label": {"en": "Not at all", "zh": "不必联系"}},
]
# Key, kind, heading, English, Chinese, and what else is said. In the order of the page: 0 service, 1 punctual, …
QUESTIONS: tuple[tuple[str, str, str | None, str, str, Mapping[str, Any]], ...] = (
    ("service", "GROUP", None, "Our service", "我们的服务", {}),
    ("punctual", "LEVEL", "service", "Punctuality", "准时", {"required": True, "commentable": True}),
    ("skill", "LEVEL", "service", "Technical skill", "技术能力", {"commentable": True}),
    ("recommend", "NPS", None, "Would you recommend us?", "您会推荐我们吗？", {}),
    ("contact", "CHOICE", None, "How may we contact you?", "我们可以怎样联系您？", {"options": OFFERS}),
    ("machines", "NUMBER", None, "How many machines do you have?", "您有多少台机器？", {}),
    ("visited", "DATE", None, "When were we there?", "我们什么时候到访的？", {}),
    (
        "wishes",
        "TEXT",
        None,
        "What should we do better?",
        "我们应该改进什么？",
        {"help": {"en": "In your own words.", "zh": "请用您自己的话。"}},
    ),
)
# The numbers of the questions in the form of the page.
PUNCTUAL, SKILL, RECOMMEND, CONTACT, MACHINES, VISITED, WISHES = range(1, 8)


@dataclass(frozen=True)
class Invited:
    """An invitation: its id, the token of its link, and where the link leads."""

    id: UUID
    token: bytes
    path: str


@dataclass
class Asked:
    """A questionnaire of one company that is out, its questions by their keys."""

    databases: Databases
    company: Company
    questionnaire_id: UUID
    version_id: UUID
    customer_id: UUID
    items: dict[str, UUID] = field(default_factory=dict)

    @property
    def factory(self) -> Factory:
        return Factory(self.databases, self.company)

    async def invite(
        self, *, language: str = "EN", expires_at: datetime | None = None, **values: Any
    ) -> Invited:
        """One more invitation; its mail has been sent."""
        now = datetime.now(UTC)
        invitation_id = await self.factory.one(
            "survey_invitation",
            questionnaire_id=self.questionnaire_id,
            version_id=self.version_id,
            language=language,
            **{
                "customer_id": self.customer_id,
                "state": "SENT",
                "due_at": now,
                "sent_at": now,
                "expires_at": expires_at or now + timedelta(days=14),
                **values,
            },
        )
        token = invitation_token(SECRET, invitation_id)
        async with self.databases.tenant_write(self.company.ref) as write:
            await write.fetch(
                "UPDATE survey_invitation SET token_hash = $1 WHERE id = $2", token_hash(token), invitation_id
            )
        path = survey_path(SECRET, company=self.company, invitation_id=invitation_id)
        return Invited(invitation_id, token, path)

    async def link(self, *, expires_at: datetime | None = None, **values: Any) -> tuple[UUID, str]:
        """A link that everybody gets, and where it leads; the questionnaire is active from then on."""
        await self.factory.update("questionnaire", self.questionnaire_id, active=True)
        ends = expires_at or datetime.now(UTC) + timedelta(days=90)
        link_id = await self.factory.one(
            "survey_link",
            **{"questionnaire_id": self.questionnaire_id, "name": "Counter", "expires_at": ends, **values},
        )
        async with self.databases.tenant_write(self.company.ref) as write:
            token = token_hash(public_token(SECRET, link_id))
            await write.fetch("UPDATE survey_link SET token_hash = $1 WHERE id = $2", token, link_id)
        return link_id, public_path(SECRET, company=self.company, link_id=link_id)

    def entry(self, key: str, **values: Any) -> Entry:
        return Entry(self.items[key], values)

    async def rows(self, sql: str, *arguments: Any) -> list[Mapping[str, Any]]:
        async with self.databases.tenant_read(self.company.ref) as read:
            return [dict(row) for row in await read.fetch(sql, *arguments)]

    async def answer_to(self, invited: Invited) -> Mapping[str, Any] | None:
        """The answer as it is stored."""
        found = await self.rows("SELECT * FROM survey_answer WHERE invitation_id = $1", invited.id)
        assert len(found) <= 1
        return found[0] if found else None

    async def given(self, invited: Invited) -> dict[str, Any]:
        """What is stored of each question that was answered, by its key; with a comment as a pair."""
        rows = await self.rows(
            "SELECT s.key, g.* FROM survey_item_answer g JOIN survey_item s ON s.id = g.item_id"
            " JOIN survey_answer a ON a.id = g.answer_id WHERE a.invitation_id = $1",
            invited.id,
        )
        told = {}
        for row in rows:
            values = [row[name] for name in ("level", "number", "choice", "day", "text")]
            (value,) = [value for value in values if value is not None] or [None]
            value = int(value) if isinstance(value, Decimal) and value == int(value) else value
            if value is not None or row["comment"] is not None:
                told[row["key"]] = value if row["comment"] is None else (value, row["comment"])
        return told


async def ask(
    databases: Databases, company: Company, *, clock: Clock | None = None, **questionnaire: Any
) -> Asked:
    """Publish the questionnaire in a company; ``questionnaire`` are values of its own."""
    clock = clock or SystemClock()
    asked = Asked(databases, company, new_id(), new_id(), UUID(int=0))
    asked.customer_id = await asked.factory.one("customer", name="Alfreds Futterkiste")
    asked.items = {key: new_id() for key, *_ in QUESTIONS}
    async with databases.tenant_write(company.ref) as write:
        viewer = await system_viewer(write, company=company)
        values = {"name": NAME, **questionnaire}
        version = {
            "questionnaire_id": asked.questionnaire_id,
            "number": 1,
            "introduction": INTRODUCTION,
            "thanks": THANKS,
        }
        changes = [
            Change("questionnaire", "create", asked.questionnaire_id, values=values),
            Change("questionnaire_version", "create", asked.version_id, values=version),
        ]
        await change_internally(write, viewer, changes, clock=clock)
        for below in (False, True):
            await change_internally(write, viewer, list(_items(asked, below=below)), clock=clock)
        await publish_version(write, viewer, version_id=asked.version_id, clock=clock)
    return asked


def _items(asked: Asked, *, below: bool) -> Any:
    for position, (key, kind, parent, english, chinese, more) in enumerate(QUESTIONS, 1):
        if (parent is not None) is not below:
            continue
        values = {
            "version_id": asked.version_id,
            "parent_id": asked.items[parent] if parent else None,
            "position": position,
            "key": key,
            "kind": kind,
            "label": {"en": english, "zh": chinese},
            **more,
        }
        yield Change("survey_item", "create", asked.items[key], values=values)
