"""From two free seats to nine: a third is refused, seven are bought and paid, everybody gets department and superior."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

from kedang_workers.demo.client import Api, Unexpected
from kedang_workers.demo.data import Northwind, Row
from kedang_workers.demo.figures import email_of

OWNER: Final = "2"  # Andrew Fuller, Vice President, Sales
SECOND_SEAT: Final = "1"  # Nancy Davolio, Sales Representative
BOUGHT: Final = 7

SALES: Final = "Sales"
LONDON: Final = "London"
"""The branch of the United Kingdom, which belongs to ``SALES``."""

_CONFIRMED_BEFORE: Final = 4  # exit code of `kedang seats confirm-transfer`
_ROLES: Final = {
    OWNER: ["OWNER"],
    "5": ["DEPARTMENT_MANAGER"],  # Steven Buchanan leads London
    "8": ["REPRESENTATIVE", "SERVICE_AGENT"],  # Laura Callahan, Inside Sales Coordinator
}

_SUBSCRIPTION = "{ subscription { paid orders { reference state } } }"
_BUY = """
mutation ($i: BuySeatsInput!) {
  buySeats(input: $i) { order { reference amount currency } userErrors { path message } }
}"""
_CHANGE = """
mutation ($i: ChangeMemberInput!) { changeMember(input: $i) { userErrors { path message code } } }"""

Echo = Callable[[str], None]


def department_of(employee: Row) -> str:
    return LONDON if employee["country"] == "UK" else SALES


def superiors(northwind: Northwind) -> dict[str, str | None]:
    """For each employee's address the superior's, as ``reports_to`` has it."""
    emails = {row["employee_id"]: email_of(row) for row in northwind.employees}
    return {email_of(row): emails.get(row["reports_to"]) for row in northwind.employees}


def fill_seats(api: Api, northwind: Northwind, echo: Echo) -> None:
    """Make all nine full members; what an earlier try has done is not done again."""
    colleagues = [row for row in northwind.employees if row["employee_id"] not in {OWNER, SECOND_SEAT}]
    if api.ask(_SUBSCRIPTION)["subscription"]["paid"] < BOUGHT:
        _show_refusal(api, colleagues[0], echo)
        _pay(_reference(api, echo), echo)
    echo("The seven colleagues become full members, each with a department and a superior")
    members = _members(api)
    for employee in colleagues:
        api.change(
            _CHANGE,
            i={"id": members[email_of(employee)]["id"], "roles": _roles_of(employee), "seat": "FULL"},
        )
    _arrange(api, northwind, members)


def _roles_of(employee: Row) -> list[str]:
    return _ROLES.get(employee["employee_id"], ["REPRESENTATIVE"])


def _members(api: Api) -> dict[str, Mapping[str, Any]]:
    nodes = api.ask("{ members(first: 50) { nodes { id email } } }")["members"]["nodes"]
    return {node["email"]: node for node in nodes}


def _show_refusal(api: Api, employee: Row, echo: Echo) -> None:
    """Two seats are free for ever, the third is not."""
    member = _members(api)[email_of(employee)]["id"]
    _, refused = api.try_change(_CHANGE, i={"id": member, "roles": _roles_of(employee), "seat": "FULL"})
    if [error["code"] for error in refused] != ["SEAT_REQUIRED"]:
        raise Unexpected(f"a third full seat was not refused as it should be: {refused}")
    name = f"{employee['first_name']} {employee['last_name']}"
    echo(f"A third full seat, for {name}, is refused with SEAT_REQUIRED: {refused[0]['message']}")


def _reference(api: Api, echo: Echo) -> str:
    """The reference of the order that waits for its transfer; seats are ordered where none does."""
    for order in api.ask(_SUBSCRIPTION)["subscription"]["orders"]:
        if order["state"] == "PENDING":
            return str(order["reference"])
    order = api.change(_BUY, i={"seats": BOUGHT, "interval": "YEARLY"})["order"]
    amount = f"{order['amount'] / 100:,.2f} {order['currency']}"
    echo(f"Seven seats are ordered for a year: {amount} by bank transfer, reference {order['reference']}")
    return str(order["reference"])


def _pay(reference: str, echo: Echo) -> None:
    """What the operator does when the money has arrived."""
    command = ["seats", "confirm-transfer", reference, "--by", "demonstration"]
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-P", "-m", "kedang_workers.cli", *command],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"LC_ALL": "C.UTF-8"},  # this story is told in English
    )
    if done.returncode not in {0, _CONFIRMED_BEFORE}:
        raise Unexpected(f"kedang {' '.join(command)}: {done.stdout}{done.stderr}")
    echo(f"The operator runs `kedang seats confirm-transfer {reference}`: {done.stdout.strip()}")


def _arrange(api: Api, northwind: Northwind, members: Mapping[str, Mapping[str, Any]]) -> None:
    sales = _department(api, {"name": SALES, "branch": False})
    departments = {
        SALES: sales,
        LONDON: _department(api, {"name": LONDON, "branch": True, "parentId": sales}),
    }
    above = superiors(northwind)
    for employee in northwind.employees:
        superior = above[email_of(employee)]
        api.change(
            "mutation ($i: UpdateMemberInput!) { updateMember(input: $i) { userErrors { path message } } }",
            i={
                "id": members[email_of(employee)]["id"],
                "departmentId": departments[department_of(employee)],
                "superiorId": members[superior]["id"] if superior else None,
            },
        )


def _department(api: Api, values: Mapping[str, Any]) -> str:
    """The id of the department, which is made when there is none of its name."""
    found = api.ask(
        "query ($n: String!) { departments(where: {name: {eq: $n}}) { nodes { id } } }", n=values["name"]
    )["departments"]["nodes"]
    if found:
        return str(found[0]["id"])
    made = api.change(
        "mutation ($i: CreateDepartmentInput!) {"
        " createDepartment(input: $i) { record { id } userErrors { path message } } }",
        i=values,
    )
    return str(made["record"]["id"])
