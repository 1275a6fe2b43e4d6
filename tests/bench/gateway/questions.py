"""What both are asked, in the words of each, and how an answer of PostGraphile reads in ours."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

_CUSTOMER = "number name city state directory industry phone email website"


@dataclass(frozen=True)
class Question:
    """One piece of work; ``wanted`` is the most that our p50 may be of theirs, ``prototype`` what was once measured."""

    name: str
    wanted: float
    ours: str
    theirs: str
    answer: Callable[[Mapping[str, Any]], Any]
    variables: Mapping[str, Any] = field(default_factory=dict)
    list: bool = False


def customer(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of PostGraphile's with ids and names as ours."""
    renamed = {
        "rowId": "id",
        "memberByOwnerId": "owner",
        "contactsByCustomerId": "contacts",
    }
    shown = {renamed.get(key, key): value for key, value in row.items()}
    if "contacts" in shown:
        shown["contacts"] = {"nodes": [person(contact) for contact in shown["contacts"]["nodes"]]}
    return shown | {"id": public("cus", row["rowId"])}


def person(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": public("con", row["rowId"])} | {key: value for key, value in row.items() if key != "rowId"}


def public(prefix: str, row_id: str) -> str:
    return f"{prefix}_{UUID(row_id).hex}"


def _page(data: Mapping[str, Any]) -> Any:
    return [customer(row) for row in data["allCustomers"]["nodes"]]


def _counted(data: Mapping[str, Any]) -> Any:
    found = data["allCustomers"]
    return {
        "totalCount": found["totalCount"],
        "hasNextPage": found["pageInfo"]["hasNextPage"],
        "rows": _page(data),
    }


def ours_of(question: Question, data: Mapping[str, Any]) -> Any:
    """What of our answer is compared: everything but cursors, which are opaque."""
    if "customer" in data:
        return data["customer"]
    found = data["customers"]
    if "totalCount" in found:
        assert found["pageInfo"]["endCursor"]
        return {
            "totalCount": found["totalCount"],
            "hasNextPage": found["pageInfo"]["hasNextPage"],
            "rows": found["nodes"],
        }
    return found["nodes"]


def _list(first: int, wanted: float) -> Question:
    return Question(
        f"list {first:,}",
        wanted,
        "query ($first: Int!) { customers(first: $first, orderBy: [{field: NAME}]) { nodes { id "
        + _CUSTOMER
        + " owner { name } } } }",
        "query ($first: Int!) { allCustomers(first: $first, orderBy: [NAME_SORT_ASC, ROW_ID_ASC]) { nodes { rowId "
        + _CUSTOMER
        + " memberByOwnerId { name } } } }",
        _page,
        {"first": first},
        list=True,
    )


def questions(row_id: UUID | None) -> list[Question]:
    """The six of issue 4's numbers; ``row_id`` is the customer that the single node asks for."""
    return [
        _list(100, 0.6),
        _list(1000, 0.6),
        Question(
            "50 × 10 nested",
            0.75,
            "{ customers(first: 50, orderBy: [{field: NAME}]) { nodes { id name city"
            " contacts(first: 10) { nodes { id name phone } } } } }",
            "{ allCustomers(first: 50, orderBy: [NAME_SORT_ASC, ROW_ID_ASC]) { nodes { rowId name city"
            " contactsByCustomerId(first: 10, orderBy: [NAME_SORT_ASC, ROW_ID_ASC]) { nodes { rowId name phone } } } } }",
            _page,
        ),
        Question(
            "thin 100",
            1.1,
            "{ customers(first: 100, orderBy: [{field: NAME}]) { nodes { id } } }",
            "{ allCustomers(first: 100, orderBy: [NAME_SORT_ASC, ROW_ID_ASC]) { nodes { rowId } } }",
            _page,
        ),
        Question(
            "single node",
            1.1,
            "query ($id: ID!) { customer(id: $id) { id " + _CUSTOMER + " owner { name } } }",
            "query ($id: UUID!) { customerByRowId(rowId: $id) { rowId "
            + _CUSTOMER
            + " memberByOwnerId { name } } }",
            lambda data: customer(data["customerByRowId"]),
            {"id": row_id},
        ),
        Question(
            "filtered, counted page",
            1.1,
            '{ customers(first: 50, orderBy: [{field: NAME}], where: {city: {eq: "Lyon"}}) {'
            " totalCount pageInfo { hasNextPage endCursor } nodes { id name city state } } }",
            '{ allCustomers(first: 50, orderBy: [NAME_SORT_ASC, ROW_ID_ASC], condition: {city: "Lyon"}) {'
            " totalCount pageInfo { hasNextPage endCursor } nodes { rowId name city state } } }",
            _counted,
        ),
    ]
