"""The requests of the story: who has them, what was said and done, and whether their clocks count business time."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from kedang_workers.demo import story
from kedang_workers.demo.checking.clocks import business_time, runs_out
from kedang_workers.demo.checking.findings import Findings
from kedang_workers.demo.client import Api
from kedang_workers.demo.data import Northwind
from kedang_workers.demo.figures import Figures
from kedang_workers.demo.looking import day_of

BY_PRIORITY: Final = {"LOW": (540, 2700), "NORMAL": (240, 1620), "HIGH": (120, 540), "URGENT": (30, 240)}
"""Minutes to the first answer and to the solution that every company begins with."""
SAID: Final[Mapping[str, list[tuple[str, str]]]] = {
    story.REPAIR.title: [
        ("TO_CUSTOMER", story.FIRST_ANSWER),
        ("TO_CUSTOMER", story.QUESTION),
        ("FROM_CUSTOMER", story.CUSTOMERS_WORD),
    ],
    story.COMPLAINT.title: [("TO_CUSTOMER", story.APOLOGY)],
    story.CONSULTATION.title: [("TO_CUSTOMER", story.ADVICE)],
    story.WAITING.title: [],
}

REQUESTS: Final = """
{
  serviceRequests(first: 50, orderBy: [{field: NUMBER}]) {
    nodes {
      id number kind channel priority about title description state result reopenedCount
      customer { number } contact { name } owner { email } department { name } product { number }
      openedAt firstAnswerMinutes firstAnswerDueAt firstAnsweredAt firstAnswerOnTime
      solutionMinutes solutionDueAt solvedAt solutionOnTime waitingSince pausedSeconds closedAt
      notes(first: 20, orderBy: [{field: AT}]) { nodes { kind text at } }
      repairRecords(first: 5) {
        nodes {
          fault serialNumber workDone parts cost currency repairedOn
          customer { number } product { number } technician { email }
        }
      }
    }
  }
}"""
FILES: Final = """
query ($r: String!) {
  files(where: {attachedTo: {eq: $r}}) { nodes { id name kind size sha256 state } }
}"""


def check_service(api: Api, northwind: Northwind, figures: Figures, findings: Findings) -> dict[str, Any]:
    """Compare the requests of the story with what was asked and done; returns them all by their titles."""
    requests = {request["title"]: request for request in api.ask(REQUESTS)["serviceRequests"]["nodes"]}
    titles = {asked.title for asked in story.REQUESTS}
    if not findings.same("service requests that are missing", titles - requests.keys(), set()):
        return requests
    for asked in story.REQUESTS:
        request = requests[asked.title]
        _check_request(asked, request, northwind, findings)
        minutes = story.STANDARDS.get(figures.grades[asked.customer]) or BY_PRIORITY[asked.priority]
        check_clocks(request, minutes, findings)
    _check_repair(requests[story.REPAIR.title], findings)
    _check_letter(api, requests[story.COMPLAINT.title], findings)
    return requests


def _check_request(
    asked: story.Asked, request: Mapping[str, Any], northwind: Northwind, findings: Findings
) -> None:
    contact = next(r["contact_name"] for r in northwind.customers if r["customer_id"] == asked.customer)
    told = {
        "customer": request["customer"]["number"],
        "contact": request["contact"]["name"],
        "product": request["product"] and request["product"]["number"],
        "owner": request["owner"]["email"],
        "department": request["department"]["name"],
        "said": [(note["kind"], note["text"]) for note in request["notes"]["nodes"]],
        **{name: request[name] for name in ("kind", "channel", "priority", "about", "description")},
        **{name: request[name] for name in ("state", "result", "reopenedCount", "waitingSince")},
    }
    result = story.RESULTS.get(asked.title)
    expected = {
        "customer": asked.customer,
        "contact": contact,
        "product": asked.product,
        "owner": story.RESPONSIBLE[asked.title],
        "department": story.ASSIGNED.get(asked.kind, "Sales"),
        "said": SAID[asked.title],
        "kind": asked.kind,
        "channel": asked.channel,
        "priority": asked.priority,
        "about": asked.about,
        "description": asked.description,
        "state": "CLOSED" if result else "NEW",
        "result": result,
        "reopenedCount": 0,
        "waitingSince": None,
    }
    findings.same(f"{asked.title}", told, expected)


def check_clocks(request: Mapping[str, Any], minutes: tuple[int, int], findings: Findings) -> None:
    """Both clocks count business time by the standard; what was done is on time where it was done before."""
    title, opened = request["title"], datetime.fromisoformat(request["openedAt"])
    paused = timedelta(seconds=request["pausedSeconds"])
    clocks = (
        ("firstAnswer", "firstAnsweredAt", minutes[0], timedelta()),
        ("solution", "solvedAt", minutes[1], paused),
    )
    for clock, done, allowed, longer in clocks:
        findings.same(f"{title}: {clock} minutes", request[f"{clock}Minutes"], allowed)
        due = datetime.fromisoformat(request[f"{clock}DueAt"])
        expected = timedelta(minutes=allowed) + longer
        findings.same(f"{title}: business time until {clock} is due", runs_out(opened, due), expected)
        on_time = datetime.fromisoformat(request[done]) <= due if request[done] else None
        findings.same(f"{title}: {clock} on time", request[f"{clock}OnTime"], on_time)
    moments = [request[name] for name in ("openedAt", "firstAnsweredAt", "solvedAt", "closedAt")]
    told = [moment for moment in moments if moment]
    findings.same(f"{title}: moments in order", told, sorted(told))


def _check_repair(request: Mapping[str, Any], findings: Findings) -> None:
    """The clock stood still while the customer was waited for, and the repair is in the archive."""
    _, asked, said = (datetime.fromisoformat(note["at"]) for note in request["notes"]["nodes"])
    waited = business_time(asked, said).total_seconds()
    findings.same("the clock stood still", abs(request["pausedSeconds"] - waited) <= 1, expected=True)
    expected = {
        **story.REPAIRED,
        "currency": "USD",
        "repairedOn": day_of(request["notes"]["nodes"][-1]["at"]).isoformat(),
        "customer": {"number": story.REPAIR.customer},
        "product": {"number": story.REPAIR.product},
        "technician": {"email": story.RESPONSIBLE[story.REPAIR.title]},
    }
    findings.same("repair records", request["repairRecords"]["nodes"], [expected])


def _check_letter(api: Api, request: Mapping[str, Any], findings: Findings) -> None:
    content = story.LETTER.encode()
    files = api.ask(FILES, r=request["id"])["files"]["nodes"]
    told = [{name: value for name, value in file.items() if name != "id"} for file in files]
    expected = {
        "name": story.LETTER_NAME,
        "kind": "TXT",
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "state": "STORED",
    }
    if findings.same("files of the complaint", told, [expected]):
        findings.same("the letter", download(api, files[0]["id"]), content)


def download(api: Api, file_id: str) -> bytes:
    """The content of a file, by the link that the API gives."""
    link = api.ask("query ($f: ID!) { fileDownloadUrl(id: $f) { url } }", f=file_id)["fileDownloadUrl"]
    return api.fetch_file(link["url"])
