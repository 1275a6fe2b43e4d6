"""Northwind's reports: the four kinds made by hand in every format, and one that comes every week by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from kedang_workers.demo.client import Api, Unexpected, wait_for
from kedang_workers.demo.figures import GRADED_YEAR
from kedang_workers.demo.looking import today

FORMATS: Final = ("XLSX", "CSV", "PDF")
WEEKLY: Final = "Customers by grade, every Monday"
RECIPIENT: Final = "steven.buchanan@northwind.example"
LOOK_BACK_DAYS: Final = 7
LOOK_AHEAD_DAYS: Final = 365
"""So far the follow-up compliance looks ahead: on the first day nothing of it is over."""

_FINISHED: Final = frozenset({"DONE", "FAILED", "CANCELLED"})
_RUN: Final = """
mutation ($i: RunReportInput!) { runReport(input: $i) { record { id } userErrors { path message } } }"""
_PROGRESS: Final = """
query ($id: ID!) { reportRun(id: $id) { state formats rowsDone errorCode } }"""

Echo = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A report by its kind, as people call it, over the days from ``first`` to ``last`` (ISO)."""

    kind: str
    name: str
    first: str
    last: str
    questionnaire: str | None = None

    @property
    def question(self) -> dict[str, Any]:
        asked = {"kind": self.kind, "period": "BETWEEN", "startsOn": self.first, "endsOn": self.last}
        return asked if self.questionnaire is None else {**asked, "questionnaireId": self.questionnaire}


def make_reports(api: Api, echo: Echo) -> None:
    """Have made what is not made yet; without the fonts of PDFs XLSX and CSV alone, and that is said."""
    missing = [wanted for wanted in _wanted(api) if (_known(api, wanted) or {}).get("state") != "DONE"]
    without_fonts = _make_all(api, missing, FORMATS, echo)
    if without_fonts:
        echo("The fonts of PDF reports are missing (`make web` fetches them): XLSX and CSV only")
        _make_all(api, without_fonts, FORMATS[:2], echo)
    _schedule(api, echo)


def _make_all(api: Api, wanted: list[Wanted], formats: tuple[str, ...], echo: Echo) -> list[Wanted]:
    """Ask for all that nobody is at work on, and wait for each; returns those that failed for want of fonts."""
    runs = [(one, _asked_for(api, one, formats)) for one in wanted]
    without_fonts = []
    for one, run in runs:
        done = _end_of(api, one, run)
        if done["errorCode"] == "FONTS_MISSING":
            without_fonts.append(one)
        elif done["state"] != "DONE":
            raise Unexpected(f"the report {one.kind} ended so: {done}")
        else:
            made_as = ", ".join(done["formats"])
            echo(f"The report “{one.name}” is made as {made_as} from {done['rowsDone']} rows")
    return without_fonts


def _wanted(api: Api) -> list[Wanted]:
    day = today()
    ago, now, later = (
        (day + timedelta(days=days)).isoformat() for days in (-LOOK_BACK_DAYS, 0, LOOK_AHEAD_DAYS)
    )
    survey = api.ask("{ questionnaires(where: {template: {eq: AFTER_SERVICE}}) { nodes { id } } }")
    asked = survey["questionnaires"]["nodes"][0]["id"]
    return [
        Wanted("CUSTOMERS_BY_GRADE", "Customers by grade", f"{GRADED_YEAR}-01-01", f"{GRADED_YEAR}-12-31"),
        Wanted("GRADE_MOVEMENT", "Grade movement", ago, now),
        Wanted("FOLLOW_UP_COMPLIANCE", "Follow-up compliance", now, later),
        Wanted("SURVEY_ANALYSIS", "Survey analysis", ago, now, asked),
    ]


def _known(api: Api, wanted: Wanted) -> Mapping[str, Any] | None:
    """The report where it was asked for by hand before, unless that came to nothing."""
    nodes = api.ask(
        "query ($k: ReportRunKind!) { reportRuns("
        "where: {kind: {eq: $k}, state: {in: [WAITING, RUNNING, DONE]}, scheduledFor: {isNull: true}}"
        ") { nodes { id state } } }",
        k=wanted.kind,
    )["reportRuns"]["nodes"]
    return nodes[0] if nodes else None


def _asked_for(api: Api, wanted: Wanted, formats: tuple[str, ...]) -> str:
    """The id of the run that makes it, from now on or already."""
    known = _known(api, wanted)
    if known is not None:
        return str(known["id"])
    asked = {**wanted.question, "formats": list(formats), "language": "EN"}
    return str(api.change(_RUN, i=asked)["record"]["id"])


def _end_of(api: Api, wanted: Wanted, run: str) -> Mapping[str, Any]:
    done: Mapping[str, Any] = wait_for(lambda: _finished(api, run), what=f"the report {wanted.kind}")
    return done


def _finished(api: Api, run: str) -> Mapping[str, Any] | None:
    found: Mapping[str, Any] = api.ask(_PROGRESS, id=run)["reportRun"]
    return found if found["state"] in _FINISHED else None


def _schedule(api: Api, echo: Echo) -> None:
    """One report comes by itself, to somebody who gets it with their own rights."""
    definition = _definition(api)
    if definition is None:
        echo(
            f"“{WEEKLY}” is set up at seven, and mailed to Steven Buchanan, who sees London's customers in it"
        )
        api.change(
            "mutation ($i: CreateReportDefinitionInput!) {"
            " createReportDefinition(input: $i) { userErrors { path message } } }",
            i={
                "name": WEEKLY,
                "kind": "CUSTOMERS_BY_GRADE",
                "period": "LAST_12_MONTHS",
                "schedule": "WEEKLY",
                "weekday": "MONDAY",
                "at": "07:00",
                "formats": ["XLSX"],
            },
        )
        definition = _definition(api)
    assert definition is not None
    if not definition["recipients"]["nodes"]:
        member = api.ask(
            "query ($e: String!) { members(where: {email: {eq: $e}}) { nodes { id } } }", e=RECIPIENT
        )["members"]["nodes"][0]["id"]
        api.change(
            "mutation ($i: CreateReportRecipientInput!) {"
            " createReportRecipient(input: $i) { userErrors { path message } } }",
            i={"definitionId": definition["id"], "memberId": member},
        )


def _definition(api: Api) -> Mapping[str, Any] | None:
    nodes = api.ask(
        "query ($n: String!) { reportDefinitions(where: {name: {eq: $n}}) {"
        " nodes { id recipients { nodes { id } } } } }",
        n=WEEKLY,
    )["reportDefinitions"]["nodes"]
    return nodes[0] if nodes else None
