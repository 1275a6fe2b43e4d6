"""Building the demonstration company, step by step; a build that was broken off goes on where it was."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from kedang_workers.demo.client import Api, Unexpected, wait_for
from kedang_workers.demo.data import Northwind, Row, load_northwind
from kedang_workers.demo.figures import GRADED_YEAR, THRESHOLDS, email_of, work_out
from kedang_workers.demo.keeping import Kept, keep, new_password, recall
from kedang_workers.demo.looking import TIME_ZONE, customer_by_number, today
from kedang_workers.demo.reporting import make_reports
from kedang_workers.demo.seating import OWNER, SECOND_SEAT, fill_seats
from kedang_workers.demo.serving import open_for_service, serve
from kedang_workers.demo.sheets import Sheet, sheets
from kedang_workers.demo.surveying import (
    follow_the_unhappy,
    let_customers_answer,
    put_surveys_in_force,
    sell,
)

CYCLES = {"A": 14, "B": 30, "C": 60, "D": 90, "E": 180}
COLOURS = {"A": "#c0392b", "B": "#d35400", "C": "#a8860a", "D": "#2471a3", "E": "#707b7c"}
PURPOSE = "Talk about next season's prices"
CONTENT = "Asked how the last delivery was received; all in order."

Echo = Callable[[str], None]


def build(base_url: str, var: Path, echo: Echo) -> Kept:
    """Build what is not built yet; returns how to get in. Raises Unexpected when the installation does not play along."""
    northwind = load_northwind()
    owner = next(row for row in northwind.employees if row["employee_id"] == OWNER)
    kept = recall(var) or keep(var, Kept(email_of(owner), new_password()))
    if kept.built:
        return kept
    api = Api(base_url, kept.key)
    try:
        kept = _enter(api, var, kept, owner, echo)
        _invite_colleagues(api, northwind, echo)
        for sheet in sheets(northwind):
            _import(api, sheet, echo)
        _set_up_grades(api, len(northwind.customers), echo)
        _plan_and_remind(api, northwind, echo)
        _record_follow_ups(api, echo)
        fill_seats(api, northwind, echo)
        _live_through_today(api, northwind, echo)
    finally:
        api.close()
    return keep(var, kept, built_on=today().isoformat(), built=True)


def _live_through_today(api: Api, northwind: Northwind, echo: Echo) -> None:
    """Customers ask, are served, asked for their opinion and answer; what came of it all is reported."""
    open_for_service(api, echo)
    put_surveys_in_force(api, echo)
    serve(api, echo)
    sell(api, echo)
    let_customers_answer(api, northwind, echo)
    follow_the_unhappy(api, echo)
    make_reports(api, echo)


def _enter(api: Api, var: Path, kept: Kept, owner: Row, echo: Echo) -> Kept:
    """Sign up, or sign in where a build was broken off before it had its keys."""
    if kept.key is not None:
        return kept
    if not _sign_in(api, kept):
        echo("Andrew Fuller signs up Northwind Traders and confirms his e-mail address")
        _sign_up(api, kept, owner)
    key = _make_key(api, "Demonstration", ["READ", "WRITE"])
    kept = keep(var, kept, key=key, reading_key=_make_key(api, "Integrator", ["READ"]))
    api.key = key
    return kept


def _sign_in(api: Api, kept: Kept) -> bool:
    _, refused = api.try_change(
        "mutation ($i: SignInInput!) { signIn(input: $i) { userErrors { code } } }",
        i={"email": kept.email, "password": kept.password},
    )
    return not refused


def _sign_up(api: Api, kept: Kept, owner: Row) -> None:
    api.change(
        "mutation ($i: SignUpInput!) { signUp(input: $i) { userErrors { path message } } }",
        i={
            "email": kept.email,
            "password": kept.password,
            "name": f"{owner['first_name']} {owner['last_name']}",
            "companyName": kept.company,
            "country": "US",
            "language": "en",
            "timeZone": TIME_ZONE,
            "currency": "USD",
        },
    )
    api.change(
        "mutation ($i: ConfirmEmailInput!) { confirmEmail(input: $i) { userErrors { path message } } }",
        i={"token": api.token_mailed_to(kept.email)},
    )


def _make_key(api: Api, name: str, scopes: list[str]) -> str:
    made = api.change(
        "mutation ($i: CreateApiKeyInput!) { createApiKey(input: $i) { secret userErrors { path message } } }",
        i={"name": name, "scopes": scopes},
    )
    return str(made["secret"])


def _invite_colleagues(api: Api, northwind: Northwind, echo: Echo) -> None:
    """One colleague takes the second free seat; the others become view-only members, who need none."""
    echo("Eight colleagues are invited by mail and accept: one on the second free seat, seven view-only")
    present = api.ask("{ members(first: 50) { nodes { id email state } } }")["members"]["nodes"]
    active = {member["email"] for member in present if member["state"] == "ACTIVE"}
    for employee in northwind.employees:
        if email_of(employee) not in active:
            _invite(api, employee)
    members = api.ask("{ members(first: 50) { nodes { id email } } }")["members"]["nodes"]
    titles = {email_of(employee): employee["title"] for employee in northwind.employees}
    for member in members:
        api.change(
            "mutation ($i: UpdateMemberInput!) { updateMember(input: $i) { userErrors { path message } } }",
            i={"id": member["id"], "title": titles[member["email"]]},
        )


def _invite(api: Api, employee: Row) -> None:
    email, seated = email_of(employee), employee["employee_id"] == SECOND_SEAT
    before = [mail["id"] for mail in api.mails_to(email)]
    api.change(
        "mutation ($i: InviteMemberInput!) { inviteMember(input: $i) { userErrors { path message } } }",
        i={
            "email": email,
            "name": f"{employee['first_name']} {employee['last_name']}",
            "roles": ["REPRESENTATIVE" if seated else "VIEW_ONLY"],
            "seat": "FULL" if seated else "VIEW_ONLY",
        },
    )
    wait_for(lambda: len(api.mails_to(email)) > len(before), what=f"an invitation to {email}")
    guest = Api(str(api.base_url))
    try:
        guest.change(
            "mutation ($i: AcceptInvitationInput!) { acceptInvitation(input: $i) { userErrors { path message } } }",
            i={"token": api.token_mailed_to(email), "password": new_password()},
        )
    finally:
        guest.close()


def _import(api: Api, sheet: Sheet, echo: Echo) -> None:
    """Upload a file and have it imported, unless it was; every row must be accepted."""
    if _is_imported(api, sheet):
        return
    content = sheet.as_csv()
    prepared = api.change(
        "mutation ($i: PrepareUploadInput!) { prepareUpload(input: $i) { fileId uploadUrl userErrors { path message } } }",
        i={"name": f"{sheet.name}.csv", "size": len(content)},
    )
    api.send_file(prepared["uploadUrl"], content)
    started = api.change(
        "mutation ($i: StartImportInput!) { startImport(input: $i) { record { id } userErrors { path message } } }",
        i={"fileId": prepared["fileId"], "record": sheet.record, "mode": "UPSERT"},
    )
    done = wait_for(lambda: _finished(api, started["record"]["id"]), what=f"the import of {sheet.name}")
    echo(
        f"{sheet.name}: {done['created']} created, {done['updated']} updated, {done['unchanged']} as they were,"
        f" {done['warnings']} with remarks"
    )
    if done["state"] != "DONE" or done["rejected"]:
        raise Unexpected(f"the import of {sheet.name} ended so: {done}")


def _is_imported(api: Api, sheet: Sheet) -> bool:
    found = api.ask(
        "query ($n: String!) { imports(where: {state: {eq: DONE}, file: {name: {eq: $n}}}) { totalCount } }",
        n=f"{sheet.name}.csv",
    )
    return bool(found["imports"]["totalCount"])


def _finished(api: Api, import_id: str) -> Mapping[str, Any] | None:
    found: Mapping[str, Any] = api.ask(
        "query ($id: ID!) { import(id: $id) { state created updated unchanged rejected warnings errorCode } }",
        id=import_id,
    )["import"]
    return found if found["state"] not in {"WAITING", "RUNNING"} else None


def _set_up_grades(api: Api, customers: int, echo: Echo) -> None:
    """The company's rule: sales of the calendar year 1997."""
    scheme = api.ask(
        "{ gradeSchemes(where: {leads: {eq: true}}) { nodes { id ruleVersion levels { nodes { id code } } } } }"
    )["gradeSchemes"]["nodes"][0]
    if not scheme["ruleVersion"]:
        echo(f"The grade scheme is set to the sales of {GRADED_YEAR}, and everybody is graded")
        _publish_grades(api, scheme)
    wait_for(
        lambda: _is_graded_and_planned(api, customers), what="the grades and the follow-ups that they bring"
    )


def _publish_grades(api: Api, scheme: Mapping[str, Any]) -> None:
    minimums = {code: str(threshold) for code, threshold in THRESHOLDS} | {"D": "0"}
    for level in scheme["levels"]["nodes"]:
        code = level["code"]
        api.change(
            "mutation ($i: UpdateGradeLevelInput!) { updateGradeLevel(input: $i) { userErrors { path message } } }",
            i={
                "id": level["id"],
                "minimum": minimums.get(code),
                "exclusive": code == "D",
                "colour": COLOURS[code],
                "cycleDays": CYCLES[code],
            },
        )
    api.change(
        "mutation ($i: UpdateGradeSchemeInput!) { updateGradeScheme(input: $i) { userErrors { path message } } }",
        i={"id": scheme["id"], "period": "CALENDAR_YEAR", "year": GRADED_YEAR},
    )
    api.change(
        "mutation ($i: PublishGradeSchemeInput!) { publishGradeScheme(input: $i) { userErrors { path message } } }",
        i={"id": scheme["id"]},
    )


def _is_graded_and_planned(api: Api, customers: int) -> bool:
    """Whether every customer has a grade, and each one that somebody owns its next follow-up."""
    found = api.ask(
        "{ graded: customers(where: {gradeLevelId: {isNull: false}}) { totalCount }"
        " open: customers(where: {directory: {ne: PARTNER}, ownerId: {isNull: false}, nextFollowUpOn: {isNull: true}})"
        " { totalCount } }"
    )
    return bool(found["graded"]["totalCount"] == customers and found["open"]["totalCount"] == 0)


def _plan_and_remind(api: Api, northwind: Northwind, echo: Echo) -> None:
    """Everybody has one talk to hold today, with the best customer of theirs, and is reminded of it by mail."""
    echo("Each of the nine plans a talk for today and gets the reminder by mail")
    day = today()
    planned = api.ask(
        "query ($p: String!) { followUpPlans(first: 50, where: {purpose: {eq: $p}}) { nodes { customer { number } } } }",
        p=PURPOSE,
    )["followUpPlans"]["nodes"]
    present = {plan["customer"]["number"] for plan in planned}
    for number in best_customers(northwind).values():
        if number not in present:
            _plan(api, number, day)
    api.change(
        "mutation ($i: SendFollowUpRemindersInput!) {"
        " sendFollowUpReminders(input: $i) { userErrors { path message } } }",
        i={"date": day.isoformat()},
    )
    for employee in northwind.employees:
        _wait_for_digest(api, email_of(employee))


def _wait_for_digest(api: Api, email: str) -> None:
    wait_for(lambda: digests_to(api, email), what=f"the digest of {email}")


def best_customers(northwind: Northwind) -> dict[str, str]:
    """For each employee the customer of theirs that bought most in the graded year, by their numbers."""
    figures = work_out(northwind)
    best: dict[str, str] = {}
    for customer, employee in sorted(figures.owners.items()):
        if employee not in best or figures.by_customer[customer] > figures.by_customer[best[employee]]:
            best[employee] = customer
    return best


def digests_to(api: Api, email: str) -> list[Mapping[str, Any]]:
    """The reminder mails that a member got, the newest first."""
    return [mail for mail in api.mails_to(email) if mail["subject"].startswith("Due on ")]


def _plan(api: Api, number: str, day: date) -> None:
    customer = customer_by_number(api, number)
    api.change(
        "mutation ($i: CreateFollowUpPlanInput!) { createFollowUpPlan(input: $i) { userErrors { path message } } }",
        i={
            "customerId": customer["id"],
            "ownerId": customer["owner"]["id"],
            "dueOn": day.isoformat(),
            "way": "CALL",
            "purpose": PURPOSE,
        },
    )


def _record_follow_ups(api: Api, echo: Echo) -> None:
    """Two customers are called; their next follow-ups move on by the cycle of their grade."""
    echo("Two follow-ups are recorded: the next dates move on by the cycle")
    for number in CALLED:
        customer = customer_by_number(api, number)
        known = api.ask(
            "query ($c: ID!) { followUpRecords(where: {customerId: {eq: $c}}) { totalCount } }",
            c=customer["id"],
        )
        if known["followUpRecords"]["totalCount"] == 0:
            api.change(
                "mutation ($i: RecordFollowUpInput!) { recordFollowUp(input: $i) { userErrors { path message } } }",
                i={"customerId": customer["id"], "way": "CALL", "content": CONTENT, "durationMinutes": 12},
            )


CALLED = ("ALFKI", "CHOPS")
"""Customers that are called: of grade D and C, with nothing planned by hand."""
