"""Northwind's service: rules, four requests of today, and what becomes of each.

Every step looks first at how far its request has come, so that a build that was broken off goes on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from kedang_workers.demo import story
from kedang_workers.demo.client import Api, wait_for
from kedang_workers.demo.looking import customer_by_number, department_id, product_id
from kedang_workers.demo.story import Asked

Echo = Callable[[str], None]

_REQUEST: Final = """
query ($t: String!) {
  serviceRequests(where: {title: {eq: $t}}) {
    nodes {
      id number state firstAnsweredAt owner { name }
      notes { nodes { kind } } repairRecords { nodes { id } }
    }
  }
}"""


def open_for_service(api: Api, echo: Echo) -> None:
    """The rules: what the best customers are promised, and which department answers what."""
    rules = api.ask(
        "{ serviceStandards(first: 50) { nodes { gradeLevelId } }"
        " serviceAssignments(first: 50) { nodes { kind } }"
        " gradeSchemes(where: {leads: {eq: true}}) { nodes { levels { nodes { id code } } } } }"
    )
    graded = {rule["gradeLevelId"] for rule in rules["serviceStandards"]["nodes"]}
    for level in rules["gradeSchemes"]["nodes"][0]["levels"]["nodes"]:
        if level["code"] in story.STANDARDS and level["id"] not in graded:
            first_answer, solution = story.STANDARDS[level["code"]]
            echo(
                f"Customers of grade {level['code']} are promised an answer within {first_answer} minutes of business time"
            )
            _promise(api, level["id"], first_answer, solution)
    assigned = {rule["kind"] for rule in rules["serviceAssignments"]["nodes"]}
    missing = {kind: department for kind, department in story.ASSIGNED.items() if kind not in assigned}
    if missing:
        echo("Each kind of request gets the department that answers it")
    for kind, department in missing.items():
        api.change(
            "mutation ($i: CreateServiceAssignmentInput!) {"
            " createServiceAssignment(input: $i) { userErrors { path message } } }",
            i={"kind": kind, "departmentId": department_id(api, department)},
        )


def _promise(api: Api, grade: str, first_answer: int, solution: int) -> None:
    api.change(
        "mutation ($i: CreateServiceStandardInput!) {"
        " createServiceStandard(input: $i) { userErrors { path message } } }",
        i={"gradeLevelId": grade, "firstAnswerMinutes": first_answer, "solutionMinutes": solution},
    )


def serve(api: Api, echo: Echo) -> None:
    """Take the requests in and do for each what the story tells."""
    for asked in story.REQUESTS:
        _take_in(api, asked, echo)
    _repair(api, echo)
    _settle_complaint(api, echo)
    _advise(api, echo)


def find_request(api: Api, asked: Asked) -> Mapping[str, Any] | None:
    """The request as it is now; None as long as it was not taken in."""
    nodes = api.ask(_REQUEST, t=asked.title)["serviceRequests"]["nodes"]
    return nodes[0] if nodes else None


def _take_in(api: Api, asked: Asked, echo: Echo) -> None:
    if find_request(api, asked) is not None:
        return
    customer = customer_by_number(api, asked.customer)
    made = api.change(
        "mutation ($i: CreateServiceRequestInput!) {"
        " createServiceRequest(input: $i) { record { number owner { name } } userErrors { path message } } }",
        i={
            "customerId": customer["id"],
            "contactId": customer["contacts"]["nodes"][0]["id"],
            "kind": asked.kind,
            "channel": asked.channel,
            "priority": asked.priority,
            "about": asked.about,
            "title": asked.title,
            "description": asked.description,
            "productId": product_id(api, asked.product) if asked.product else None,
        },
    )["record"]
    echo(f"{customer['name']} asks: {asked.title} ({made['number']}); it goes to {made['owner']['name']}")


def _step(api: Api, verb: str, request: Mapping[str, Any], **said: Any) -> None:
    """One verb that takes a request on; its input is named after it."""
    name = verb[:1].upper() + verb[1:]
    api.change(
        f"mutation ($i: {name}Input!) {{ {verb}(input: $i) {{ userErrors {{ path message }} }} }}",
        i={"id": request["id"], **said},
    )


def _now(api: Api, asked: Asked) -> Mapping[str, Any]:
    found = find_request(api, asked)
    assert found is not None, asked.title
    return found


def _answer(api: Api, asked: Asked, text: str) -> None:
    request = _now(api, asked)
    if request["firstAnsweredAt"] is None:
        _step(api, "answerServiceRequest", request, text=text)


def _close(api: Api, asked: Asked, echo: Echo) -> None:
    request = _now(api, asked)
    if request["state"] != "CLOSED":
        _step(api, "closeServiceRequest", request, result=story.RESULTS[asked.title])
        echo(f"{request['number']} is closed: {story.RESULTS[asked.title]}")


def _repair(api: Api, echo: Echo) -> None:
    """Answered, asked back, waited for, repaired, solved, closed."""
    _answer(api, story.REPAIR, story.FIRST_ANSWER)
    request = _now(api, story.REPAIR)
    if "FROM_CUSTOMER" not in {note["kind"] for note in request["notes"]["nodes"]}:
        echo(
            f"{request['number']} is answered and waits for the customer, until he says: {story.CUSTOMERS_WORD}"
        )
        if request["state"] != "WAITING":
            _step(api, "waitForCustomer", request, text=story.QUESTION)
        time.sleep(story.PAUSE_SECONDS)
        _step(api, "resumeServiceRequest", request, text=story.CUSTOMERS_WORD)
    if not request["repairRecords"]["nodes"]:
        api.change(
            "mutation ($i: RecordRepairInput!) { recordRepair(input: $i) { userErrors { path message } } }",
            i={"requestId": request["id"], "technicianId": _technician(api), **story.REPAIRED},
        )
    if _now(api, story.REPAIR)["state"] == "IN_PROGRESS":
        _step(api, "solveServiceRequest", request, result=story.RESULTS[story.REPAIR.title])
    _close(api, story.REPAIR, echo)


def _technician(api: Api) -> str:
    found = api.ask(
        "query ($e: String!) { members(where: {email: {eq: $e}}) { nodes { id } } }",
        e=story.RESPONSIBLE[story.REPAIR.title],
    )
    return str(found["members"]["nodes"][0]["id"])


def _settle_complaint(api: Api, echo: Echo) -> None:
    """The customer's letter is kept with the complaint, which is answered and closed."""
    request = _now(api, story.COMPLAINT)
    _attach_letter(api, request["id"])
    _answer(api, story.COMPLAINT, story.APOLOGY)
    _close(api, story.COMPLAINT, echo)


def _attach_letter(api: Api, request_id: str) -> None:
    kept = api.ask(
        "query ($r: String!) { files(where: {attachedTo: {eq: $r}, state: {eq: STORED}}) { totalCount } }",
        r=request_id,
    )
    if kept["files"]["totalCount"]:
        return
    content = story.LETTER.encode()
    prepared = api.change(
        "mutation ($i: PrepareUploadInput!) { prepareUpload(input: $i) { uploadUrl userErrors { path message } } }",
        i={"name": story.LETTER_NAME, "size": len(content), "attachedTo": request_id},
    )
    api.send_file(prepared["uploadUrl"], content)


def _advise(api: Api, echo: Echo) -> None:
    """The same contact asked for something else: closed when the survey on the repair is on its way."""
    _answer(api, story.CONSULTATION, story.ADVICE)
    repair = _now(api, story.REPAIR)["id"]
    wait_for(lambda: _is_invited(api, repair), what="the invitation to the survey on the repair")
    _close(api, story.CONSULTATION, echo)


def _is_invited(api: Api, request_id: str) -> bool:
    found = api.ask(
        "query ($s: String!) { surveyInvitations(where: {subject: {eq: $s}}) { totalCount } }", s=request_id
    )
    return bool(found["surveyInvitations"]["totalCount"])
