"""Wherever the API takes an id, another company's is not found, as if it did not exist; and nothing is changed."""

import copy
import time
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

import orjson
import pytest
from graphql import get_named_type

from kedang_graphql.engine.roots import aggregates
from kedang_graphql.schema import build_gateway
from kedang_tenants.catalogue import catalogue
from tests.support.digests import PLATFORM, digests
from tests.support.telling import say
from tests.wall.positions import FILTERS, Place, Position, places, positions, selection
from tests.wall.sides import BATCHES, Side

CORE = build_gateway().core
WALKED_BATCHES = {
    f"{action}{plural}" for action in ("create", "update", "archive") for plural in ("Contacts", "OrderLines")
}
# Who tries to enter a company that is not theirs is told in these words, whether or not it exists.
CODES = {"signIn": "NO_COMPANY"}
# Who sees every restricted archive has nothing to ask for, of an archive that is there.
NOT_TAKEN = {"requestArchiveAccess": {"NOTHING_TO_ASK_FOR"}}
# What is answered of nothing as well: that it cannot be seen.
EXPLAINED = {"whyNot": "allowed reasons { code }"}

FILES = {"previewImport", "fileDownloadUrl"}
# What an argument must stand beside; what to ask for where the answer has no id; what an argument names.
FURTHER: Mapping[tuple[str, str], Callable[[Side], str]] = {
    ("previewImport", "fileId"): lambda _: ', record: "customer"',
    ("whyNot", "id"): lambda _: ", action: SEE",
    ("whyNot", "memberId"): lambda side: f', action: SEE, id: "{side.ids["cus"]}"',
    ("surveyAnalysis", "questionnaireId"): lambda _: ', from: "2026-01-01", to: "2026-02-01"',
    ("surveyAnalysis", "versionId"): lambda side: (
        f', questionnaireId: "{side.ids["asked"]}", from: "2026-01-01", to: "2026-02-01"'
    ),
    ("ruleDifferences", "from"): lambda side: f', to: "{side.ids["rul"]}"',
    ("ruleDifferences", "to"): lambda side: f', from: "{side.ids["rul"]}"',
    ("profitContribution", "customerIds"): lambda _: ", by: MONTH",
    ("profitContribution", "productIds"): lambda _: ", by: MONTH",
    ("gradeMovement", "schemeId"): lambda _: ', first: "2026-01-01", last: "2026-02-01"',
    ("customerTimeline", "memberId"): lambda side: f', customerId: "{side.ids["cus"]}"',
}
ANSWERED = {
    "gradeMovement": "customers",
    "ruleDifferences": "kind",
    "customerTimeline": "nodes { recordId }",
    "memberWorklist": "day",
    "surveyAnalysis": "total { answers }",
    "subscriptionInvoiceDownload": "url",
    "companyExportDownload": "url",
    "surveyLinkAddress": "url",
    "handoverPreview": "inHand { customers }",
    "profitContribution": "currency",
    "buyingCycles": "pageInfo { hasNextPage }",
    "crossSelling": "customers",
    "demandStages": "code",
    "proposedRoute": "km",
    "segmentCount": "count",
    "segmentCustomers": "pageInfo { hasNextPage }",
    "customerRfm": "since",
}
# Fields that are named otherwise than the ids that they take.
IDS = {
    "gradeMovement": "gsc",
    "whyNot": "cus",
    "subscriptionInvoice": "siv",
    "subscriptionInvoiceDownload": "siv",
    "companyExportDownload": "archive",
    "surveyLinkAddress": "sln",
    "proposedRoute": "rou",
    "segmentCount": "seg",
    "segmentCustomers": "seg",
}
ARGUMENTS = {
    "from": "rul",
    "to": "rul",
    "customerId": "cus",
    "customerIds": "cus",
    "productId": "pro",
    "productIds": "pro",
    "memberId": "mem",
    "questionnaireId": "qnr",
    "versionId": "qnv",
}


QUESTIONS = {
    "schemeId": ("CUSTOMERS_BY_GRADE", "grade_scheme"),
    "questionnaireId": ("SURVEY_ANALYSIS", "questionnaire"),
    "onlyDepartmentId": ("FOLLOW_UP_COMPLIANCE", "department"),
    "onlyMemberId": ("FOLLOW_UP_COMPLIANCE", "member"),
}


class Walk:
    """Goes through the schema as one side with ids of the other, and notes where it has been."""

    def __init__(self, own: Side, other: Side) -> None:
        self.own = own
        self.other = other
        self.visited: set[Position] = set()

    async def state(self) -> Any:
        refs = [side.factory.company.ref for side in (self.own, self.other)]
        return await digests(self.own.factory.databases, *refs, besides=("work.job", *PLATFORM))

    async def told(self, query: str, variables: Any) -> bytes:
        answer = await self.own.ask(query, variables)
        assert "INTERNAL_ERROR" not in answer.codes, (query, variables, answer.body)
        return orjson.dumps(answer.body)

    def foreign(self, own: str) -> str:
        """The other company's thing of the same kind."""
        return self.other.ids[own.partition("_")[0]]

    def nobody(self, own: str) -> str:
        """An id that no thing has."""
        return f"{own.partition('_')[0]}_{uuid4().hex}"

    # Queries

    async def query_arguments(self) -> None:
        for name, field in CORE.query_type.fields.items():
            for argument, value in field.args.items():
                if get_named_type(value.type).name == "ID":
                    await self._query(name, argument, str(value.type), get_named_type(field.type).name)
                    self.visited.add(Position(f"Query.{name}", argument))

    async def _query(self, name: str, argument: str, kind: str, returned: str) -> None:
        more = FURTHER[name, argument](self.own) if (name, argument) in FURTHER else ""
        inside = (ANSWERED | EXPLAINED).get(name) or (selection(CORE, returned) if name in FILES else "id")
        query = f"query ($id: {kind}) {{ {name}({argument}: $id{more}) {{ {inside} }} }}"
        for own in await self._own_ids(name, argument):
            assert b"null" not in (await self.told(query, {"id": own})).replace(b'"preview":null', b""), name
            foreign, nobody = self.foreign(own), self.nobody(own)
            answer = await self.told(query, {"id": foreign})
            assert self._same(answer, foreign, await self.told(query, {"id": nobody}), nobody), (name, answer)
            assert "data" in orjson.loads(answer), (query, answer)
            body = orjson.loads(answer)["data"][name]
            if name in EXPLAINED and body is not None:
                assert body["allowed"] is False, (name, body)
                continue
            assert body in (None, [None]) or [e["code"] for e in body["userErrors"]] == ["NOT_FOUND"], (
                name,
                body,
            )

    async def _own_ids(self, name: str, argument: str) -> list[str]:
        if name in {"node", "nodes"}:
            return [self.own.ids[record.prefix] for record in catalogue()]
        if argument in ARGUMENTS:
            return [self.own.ids[ARGUMENTS[argument]]]
        if name in FILES:
            return [(await self.own.input_of("startImport"))["fileId"]]
        known = {record.api_name[0].lower() + record.api_name[1:]: record.prefix for record in catalogue()}
        return [self.own.ids[(known | IDS).get(name, name)]]

    async def questions(self) -> None:
        """The ids that figures are asked by, each of a kind of report that takes it."""
        for name, (kind, record) in QUESTIONS.items():
            own = self.own.ids[catalogue().record(record).prefix]
            foreign, nobody = self.foreign(own), self.nobody(own)
            answer, other = [await self._figures(kind, name, one) for one in (foreign, nobody)]
            assert self._same(answer, foreign, other, nobody), (name, answer, other)
            assert [e["extensions"]["code"] for e in orjson.loads(answer)["errors"]] == ["NOT_FOUND"], answer
            self.visited.add(Position("ReportQuestionInput", name))

    async def _figures(self, kind: str, name: str, value: str) -> bytes:
        query = "query ($question: ReportQuestionInput!) { reportFigures(question: $question) { asOf } }"
        return await self.told(query, {"question": {"kind": kind, name: value}})

    async def filters(self) -> None:
        for record in catalogue():
            where = CORE.type_map[f"{record.api_name}Where"]
            for name, field in where.fields.items():
                for operator in FILTERS.get(get_named_type(field.type).name, ()):
                    await self._filter(record, name, operator)
                    self.visited.add(Position(where.name, name, operator))

    async def _filter(self, record: Any, name: str, operator: str) -> None:
        query = (
            f"query ($where: {record.api_name}Where) {{"
            f" {record.api_plural}(where: $where, first: 250, archived: INCLUDE) {{ nodes {{ id }} totalCount }}"
            f" grouped: {aggregates(record)}(where: $where, archived: INCLUDE) {{ groups {{ count }} }} }}"
        )
        own = await self._value_of(record, name)
        assert own, (record.name, name)

        async def found(value: str) -> bytes:
            many = operator in {"in", "notIn"}
            return await self.told(query, {"where": {name: {operator: [value] if many else value}}})

        mine, foreign = orjson.loads(await found(own)), await found(self.foreign(own))
        assert foreign == await found(self.nobody(own)), (record.name, name, operator)
        counts = [body["data"][record.api_plural]["totalCount"] for body in (mine, orjson.loads(foreign))]
        assert mine["data"]["grouped"] == {"groups": [{"count": counts[0]}]}, (record.name, name, operator)
        if operator in {"eq", "in", "within"}:
            assert counts[0] > 0, (record.name, name, operator)
            assert counts[1] == 0, (record.name, name, operator)
        else:
            assert counts[0] < counts[1], (record.name, name, operator)

    async def kept_filters(self) -> None:
        """A segment of the other company stands in no filter: as one that is not there."""
        query = "query ($where: CustomerWhere) { customers(where: $where) { totalCount } }"
        own = self.own.ids["seg"]
        mine = orjson.loads(await self.told(query, {"where": {"segment": own}}))
        assert mine["data"]["customers"]["totalCount"] > 0
        foreign, nobody = self.foreign(own), self.nobody(own)
        for where in ({"segment": "?"}, {"NOT": {"segment": "?"}}, {"OR": [{"segment": "?"}, {}]}):
            told = [await self.told(query, {"where": _with_id(where, one)}) for one in (foreign, nobody)]
            assert told[0] == told[1], (where, told)
            assert [e["extensions"]["code"] for e in orjson.loads(told[0])["errors"]] == ["NOT_FOUND"]
        self.visited.add(Position("CustomerWhere", "segment"))

    async def operations(self) -> None:
        """What was asked with a key of the other company is as little told as what was asked with no key at all."""
        query = "query ($id: ID!) { operations(where: {apiKeyId: $id}) { totalCount nodes { id } } }"
        await self.own.gateway.services.measurer.flush(self.own.factory.databases)
        for key in (self.other.ids["key"], self.nobody(self.other.ids["key"])):
            answer = orjson.loads(await self.told(query, {"id": key}))
            assert answer["data"] == {"operations": {"totalCount": 0, "nodes": []}}
        self.visited.add(Position("OperationWhere", "apiKeyId"))

    async def audit(self) -> None:
        """What is looked for in the trail by an id of the other company is as little there as what nobody has."""
        query = "query ($where: AuditWhere) { auditEntries(where: $where) { nodes { id } pageInfo { endCursor } } }"
        for name, prefix in (("recordId", "cus"), ("actor", "mem")):
            mine = await self.own.ask(query, {"where": {name: self.own.ids[prefix]}})
            assert name == "actor" or mine.data["auditEntries"]["nodes"] != []
            for found in (self.other.ids[prefix], self.nobody(self.other.ids[prefix])):
                answer = orjson.loads(await self.told(query, {"where": {name: found}}))
                assert answer["data"] == {"auditEntries": {"nodes": [], "pageInfo": {"endCursor": None}}}
            self.visited.add(Position("AuditWhere", name))

    async def _value_of(self, record: Any, name: str) -> str:
        """The id that stands in this field of our own record."""
        one = record.api_name[0].lower() + record.api_name[1:]
        query = f"query ($id: ID!) {{ {one}(id: $id) {{ {name} }} }}"
        answer = await self.own.ask(query, {"id": self.own.ids[record.prefix]})
        return answer.data[one][name]

    # Mutations

    async def mutations(self) -> None:
        for name in CORE.mutation_type.fields:
            if name in BATCHES and name not in WALKED_BATCHES:
                continue
            if found := list(places(CORE, name)):
                await self._mutation(name, found)
                self.visited.update(place.position for place in found)

    async def _mutation(self, name: str, found: list[Place]) -> None:
        """Refused with the other company's id at each of these places, without a change; then taken with our own."""
        single = BATCHES.get(name)
        taken = (
            {"inputs": [await self.own.input_of(single)]}
            if single
            else {"input": await self.own.input_of(name)}
        )
        before = await self.state()
        for place in found:
            await self._refused(name, taken, place)
        assert await self.state() == before, name
        told = await self._mutate(name, taken)
        assert _codes(told, name) == NOT_TAKEN.get(name, set()), (name, told)

    async def _refused(self, name: str, taken: Any, place: Place) -> None:
        own = _at(taken, place.way)
        foreign, nobody = self.foreign(own), self.nobody(own)
        answer = await self._mutate(name, _with(taken, place.way, foreign))
        other = await self._mutate(name, _with(taken, place.way, nobody))
        assert self._same(answer, foreign, other, nobody), (name, place.way, answer, other)
        assert _codes(answer, name) == {CODES.get(name, "NOT_FOUND")}, (name, place.way, answer)

    async def _mutate(self, name: str, variables: Any) -> bytes:
        field = CORE.mutation_type.fields[name]
        many = "inputs" if name in BATCHES else "input"
        kind = field.args[many].type
        inside = selection(CORE, get_named_type(field.type).name)
        query = f"mutation (${many}: {kind}) {{ {name}({many}: ${many}) {{ {inside} }} }}"
        return await self.told(query, variables)

    def _same(self, one: bytes, first: str, other: bytes, second: str) -> bool:
        return one.replace(first.encode(), b"?") == other.replace(second.encode(), b"?")


def _at(value: Any, way: tuple[str | int, ...]) -> Any:
    for step in way:
        value = value[step]
    return value


def _with(value: Any, way: tuple[str | int, ...], new: Any) -> Any:
    made = copy.deepcopy(value)
    _at(made, way[:-1])[way[-1]] = new
    return made


def _with_id(where: Any, public: str) -> Any:
    return orjson.loads(orjson.dumps(where).replace(b"?", public.encode()))


def _codes(answer: bytes, name: str) -> set[str]:
    return {error["code"] for error in orjson.loads(answer)["data"][name]["userErrors"]}


@pytest.mark.requirement("A11", "T1", "I1")
async def test_ids_of_another_company_are_not_found_anywhere(sides):
    own, other = sides
    began = time.monotonic()
    # Ids that subscriptions take name nothing: they pass over events. tests/live watches those of another company.
    wanted = {
        p for p in positions(build_gateway().schema.as_str()) if not p.holder.startswith("Subscription.")
    }
    walk = Walk(own, other)
    rival = [other.factory.databases, other.factory.company.ref]
    await walk.kept_filters()
    await walk.operations()
    await walk.audit()
    before = await digests(*rival, besides=())
    await walk.query_arguments()
    await walk.questions()
    await walk.filters()
    await walk.mutations()
    assert await digests(*rival, besides=()) == before
    left = sorted(str(position) for position in wanted - walk.visited)
    say(f"{len(walk.visited)} of {len(wanted)} places for ids visited in {time.monotonic() - began:.0f} s")
    assert not left, left
    assert len(walk.visited) >= len(wanted) > 300
