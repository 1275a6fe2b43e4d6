"""Reports over GraphQL: asked for, followed, fetched, called off, defined; and the links of letters."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from kedang_tenants.reports.mailing import ReportGrant, sign_link
from tests.support.database import SECRET
from tests.support.members import make_key, make_member
from tests.support.workers import run_jobs

RUN = """
mutation ($input: RunReportInput!) {
  runReport(input: $input) {
    record { id kind state startsOn endsOn formats askedBy { id } }
    job { id kind state }
    userErrors { path code message }
  }
}"""
STATE = """
query ($id: ID!, $job: ID!) {
  reportRun(id: $id) { state rowsDone xlsx { id name size } csv { id } pdf { id } }
  job(id: $job) { state done total error { code } }
}"""
DEFINE = """
mutation ($input: CreateReportDefinitionInput!) {
  createReportDefinition(input: $input) { record { id nextAt schedule owner { id } } userErrors { path code } }
}"""
MINE = "{ reportRuns { nodes { id } } reportDefinitions { nodes { id } } }"


@pytest.fixture
async def asking(gateway, databases, company, database_settings, tmp_path):
    """Two members who ask, and a way to let the jobs run."""
    members = {
        name: await make_member(databases, company, role)
        for name, role in (("king", "GENERAL_MANAGER"), ("peacock", "REPRESENTATIVE"))
    }
    keys = {
        name: await make_key(databases, member, key=gateway.services.identity.key)
        for name, member in members.items()
    }
    clients = {name: gateway.client(key) for name, key in keys.items()}

    async def work():
        return await run_jobs(databases, settings=gateway.services.settings)

    return clients, members, work


@pytest.mark.requirement("R2", "I1", "A11")
async def test_a_report_is_asked_for_followed_and_fetched_by_its_asker(asking, gateway, company):
    clients, members, work = asking
    ask = clients["peacock"]
    given = {"kind": "FOLLOW_UP_COMPLIANCE", "period": "LAST_MONTH", "formats": ["CSV", "XLSX"]}
    asked = (await ask(RUN, {"input": given})).data["runReport"]
    assert (asked["record"]["state"], asked["record"]["formats"]) == ("WAITING", ["CSV", "XLSX"])
    assert (asked["job"]["kind"], asked["userErrors"]) == ("reports.run", [])
    run, job = asked["record"]["id"], asked["job"]["id"]
    await work()
    told = (await ask(STATE, {"id": run, "job": job})).data
    # This company has no grade scheme that leads: the report says so, and so does its job.
    assert (told["reportRun"]["state"], told["job"]["state"]) == ("FAILED", "FAILED")
    assert told["job"]["error"]["code"] == "NOT_FOUND"

    factory_scheme = """
    mutation { createGradeScheme(input: {name: "Value", leads: true, measure: SALES, period: TRAILING_12_MONTHS})
      { record { id } userErrors { code } } }"""
    owner = await make_member(gateway.services.databases, company, "OWNER")
    key = await make_key(gateway.services.databases, owner, key=gateway.services.identity.key)
    assert (await gateway.client(key)(factory_scheme)).data["createGradeScheme"]["userErrors"] == []
    made = (await ask(RUN, {"input": given})).data["runReport"]
    await work()
    run, job = made["record"]["id"], made["job"]["id"]
    told = (await ask(STATE, {"id": run, "job": job})).data
    assert (told["reportRun"]["state"], told["job"]["state"], told["reportRun"]["pdf"]) == (
        "DONE",
        "DONE",
        None,
    )
    assert told["reportRun"]["xlsx"]["size"] > 1000

    link = "query ($id: ID!) { fileDownloadUrl(id: $id) { url } }"
    url = (await ask(link, {"id": told["reportRun"]["csv"]["id"]})).data["fileDownloadUrl"]["url"]
    path = "/files/" + url.rpartition("/")[2]
    answer = await ask.http.get(path)
    assert answer.text.startswith("\ufeffPerson,Grade,Month,Due,")
    # A general manager sees that it was made; what it holds is for whom it was made.
    king = clients["king"]
    assert (await king(STATE, {"id": run, "job": job})).data["reportRun"]["state"] == "DONE"
    assert (told["job"]["done"], told["job"]["total"]) == (told["reportRun"]["rowsDone"],) * 2
    file_id = told["reportRun"]["csv"]["id"]
    for role, seat, sees_run in (
        ("REPRESENTATIVE", "FULL", False),
        ("MARKETER", "FULL", True),
        ("VIEW_ONLY", "VIEW_ONLY", True),
    ):
        other = await make_member(gateway.services.databases, company, role, seat=seat)
        looks = gateway.client(
            await make_key(gateway.services.databases, other, key=gateway.services.identity.key)
        )
        found = (await looks(STATE, {"id": run, "job": job})).data["reportRun"]
        assert (found is not None) is sees_run
        assert found is None or (found["state"], found["csv"], found["xlsx"]) == ("DONE", None, None)
        assert (await looks(link, {"id": file_id})).data["fileDownloadUrl"] is None
        assert (await looks("{ files { nodes { id } } }")).data["files"]["nodes"] == []
    assert members["peacock"].id.hex in made["record"]["askedBy"]["id"]

    # The link of a letter: good for this file, for these days, for nobody else's company.

    grant = ReportGrant(company.id, UUID(hex=run.partition("_")[2]), "CSV")
    soon = datetime.now(UTC) + timedelta(days=7)
    fetched = await ask.http.get(f"/reports/{sign_link(SECRET, grant, expires_at=soon)}")
    assert (fetched.status_code, fetched.content) == (200, answer.content)
    assert fetched.headers["content-disposition"].startswith("attachment;")
    past = await ask.http.get(f"/reports/{sign_link(SECRET, grant, expires_at=datetime.now(UTC))}")
    assert (past.status_code, past.json()["errors"][0]["extensions"]["code"]) == (410, "LINK_EXPIRED")
    other = ReportGrant(UUID(int=7), grant.run_id, "CSV")
    assert (await ask.http.get(f"/reports/{sign_link(SECRET, other, expires_at=soon)}")).status_code == 404
    assert (await ask.http.get("/reports/AAAA")).status_code == 403


@pytest.mark.requirement("R2", "I1")
async def test_bad_questions_are_refused_by_the_path_of_the_input(asking):
    clients, _, _ = asking
    ask = clients["king"]
    wrong = {"kind": "SURVEY_ANALYSIS", "period": "BETWEEN", "startsOn": "2026-01-01", "formats": []}
    told = (await ask(RUN, {"input": wrong})).data["runReport"]
    assert [(error["path"], error["code"]) for error in told["userErrors"]] == [
        (["input", "endsOn"], "REQUIRED"),
        (["input", "formats"], "REQUIRED"),
        (["input", "questionnaireId"], "REQUIRED"),
    ]
    assert (told["record"], told["job"]) == (None, None)
    given = {"kind": "CUSTOMERS_BY_GRADE", "onlyMemberId": "mem_" + "0" * 32}
    told = (await ask(RUN, {"input": given})).data["runReport"]
    assert [(error["path"], error["code"]) for error in told["userErrors"]] == [
        (["input", "onlyMemberId"], "NOT_FOUND")
    ]
    assert (await ask(MINE)).data["reportRuns"]["nodes"] == []


@pytest.mark.requirement("R2")
async def test_a_definition_is_made_run_and_its_report_called_off(asking):
    clients, members, _ = asking
    ask = clients["peacock"]
    given = {
        "name": "Mondays",
        "kind": "FOLLOW_UP_COMPLIANCE",
        "period": "LAST_WEEK",
        "schedule": "WEEKLY",
        "at": "08:00",
        "weekday": "MONDAY",
    }
    made = (await ask(DEFINE, {"input": given})).data["createReportDefinition"]
    assert made["userErrors"] == []
    definition = made["record"]
    assert members["peacock"].id.hex in definition["owner"]["id"]
    next_at = datetime.fromisoformat(definition["nextAt"])
    assert next_at > datetime.now(UTC)
    assert (next_at.astimezone(UTC).hour, next_at.weekday()) == (0, 0)  # eight in Shanghai
    run = "mutation ($id: ID!) { runReportDefinition(input: {id: $id}) { record { id definition { name } } userErrors { code } } }"
    asked = (await ask(run, {"id": definition["id"]})).data["runReportDefinition"]
    assert asked["record"]["definition"]["name"] == "Mondays"
    cancel = "mutation ($id: ID!) { cancelReport(input: {id: $id}) { record { state } userErrors { code } } }"
    told = (await ask(cancel, {"id": asked["record"]["id"]})).data["cancelReport"]
    assert told == {"record": {"state": "CANCELLED"}, "userErrors": []}
    again = (await ask(cancel, {"id": asked["record"]["id"]})).data["cancelReport"]
    assert [error["code"] for error in again["userErrors"]] == ["ALREADY_ENDED"]


KINDS = """{ reportKinds { kind label takes
  parameters { name label type required default record options { code label } } } }"""
FIGURES = """
query ($question: ReportQuestionInput!, $maxAge: Int) {
  reportFigures(question: $question, maxAge: $maxAge) {
    kind title asOf ageSeconds notes facts { label value }
    sheets { title count columns { label kind currency } rows totals }
    charts { title categories percent stacked series { label colour values } }
  }
}"""


@pytest.mark.requirement("R1", "R2", "R3", "A11")
async def test_kinds_are_told_with_what_they_take_to_whoever_may_ask(asking, gateway, company):
    clients, _, _ = asking
    kinds = {one["kind"]: one for one in (await clients["king"](KINDS)).data["reportKinds"]}
    assert len(kinds) == 17
    composition = kinds["COMPOSITION"]
    assert composition["takes"] == ["onlyDepartmentId", "onlyMemberId", "period"]
    told = {one["name"]: one for one in composition["parameters"]}
    assert (told["groupBy"]["type"], told["groupBy"]["default"]) == ("CHOICE", "GRADE")
    assert told["groupBy"]["options"][1] == {"code": "REGION", "label": "Region"}
    assert (told["product"]["type"], told["product"]["record"]) == ("REFERENCE", "product")
    assert (told["top"]["type"], told["top"]["default"]) == ("INTEGER", 20)
    assert kinds["CUSTOMER_LIST"]["takes"] == ["onlyDepartmentId", "onlyMemberId"]
    finance = await make_member(gateway.services.databases, company, "FINANCE")
    theirs = gateway.client(
        await make_key(gateway.services.databases, finance, key=gateway.services.identity.key)
    )
    found = {one["kind"] for one in (await theirs(KINDS)).data["reportKinds"]}
    assert "COMPOSITION" in found
    assert not found & {"VISITS", "SERVICE_QUALITY", "SURVEY_ANALYSIS"}
    assert found >= {"PROFIT_CONTRIBUTION", "RECEIVABLES_AGEING"}
    sold = {one["kind"] for one in (await clients["peacock"](KINDS)).data["reportKinds"]}
    assert sold & {"PROFIT_CONTRIBUTION", "RECEIVABLES_AGEING"} == {"RECEIVABLES_AGEING"}
    onlooker = await make_member(gateway.services.databases, company, "VIEW_ONLY", seat="VIEW_ONLY")
    looks = gateway.client(
        await make_key(gateway.services.databases, onlooker, key=gateway.services.identity.key)
    )
    assert (await looks(KINDS)).data["reportKinds"] == []
    refused = await looks(FIGURES, {"question": {"kind": "CUSTOMER_LIST"}})
    assert refused.codes == ["FORBIDDEN"]


@pytest.mark.requirement("R3")
async def test_figures_are_shown_with_their_age(asking):
    clients, _, _ = asking
    ask = clients["peacock"]
    make = (
        'mutation ($n: String!) { createCustomer(input: {name: $n, region: "East"}) { userErrors { code } } }'
    )
    await ask(make, {"n": "Alfreds"})
    wanted = {"kind": "CUSTOMER_LIST", "parameters": {"region": "East"}, "language": "EN"}
    first = (await ask(FIGURES, {"question": wanted})).data["reportFigures"]
    assert (first["title"], first["kind"], first["ageSeconds"]) == ("Customer list", "CUSTOMER_LIST", 0)
    assert {"label": "Region", "value": "East"} in first["facts"]
    states = first["sheets"][0]
    assert [column["kind"] for column in states["columns"]] == ["TEXT", "COUNT", "SHARE"]
    assert (states["rows"][0], states["totals"]) == (["Prospective", 1, 1.0], ["Total", 1, 1.0])
    assert first["charts"][0]["series"][0]["values"] == [1.0, 0.0, 0.0]
    await ask(make, {"n": "Bólido"})
    again = (await ask(FIGURES, {"question": wanted})).data["reportFigures"]
    assert (again["asOf"], again["sheets"]) == (first["asOf"], first["sheets"])
    anew = (await ask(FIGURES, {"question": wanted, "maxAge": 0})).data["reportFigures"]
    assert anew["sheets"][0]["totals"] == ["Total", 2, 1.0]
    assert anew["asOf"] > first["asOf"]
    wrong = await ask(FIGURES, {"question": {**wanted, "parameters": {"moon": 1}}})
    assert wrong.codes == ["BAD_USER_INPUT"]
    for name, prefix in (("onlyMemberId", "mem"), ("onlyDepartmentId", "dep"), ("schemeId", "gsc")):
        unknown = {"kind": "CUSTOMERS_BY_GRADE", name: f"{prefix}_{'0' * 32}"}
        assert (await ask(FIGURES, {"question": unknown})).codes == ["NOT_FOUND"], name


@pytest.mark.requirement("R1", "R2")
async def test_parameters_are_kept_in_one_form(asking):
    clients, _, _ = asking
    ask = clients["peacock"]
    run = "mutation ($input: RunReportInput!) { runReport(input: $input) { record { parameters } userErrors { code } } }"
    define = """mutation ($input: CreateReportDefinitionInput!) {
      createReportDefinition(input: $input) { record { parameters } userErrors { code } } }"""
    for said, kept in (
        ({"region": " Ea\x00st "}, {"region": "East"}),
        ({"region": " ", "state": None}, {}),
    ):
        given = {"kind": "CUSTOMER_LIST", "parameters": said}
        for mutation, more in ((run, {}), (define, {"name": "East"})):
            (told,) = (await ask(mutation, {"input": {**given, **more}})).data.values()
            assert told == {"record": {"parameters": kept}, "userErrors": []}
        facts = (await ask(FIGURES, {"question": {**given, "language": "EN"}})).data["reportFigures"]["facts"]
        assert [fact["value"] for fact in facts if fact["label"] == "Region"] == list(kept.values())


@pytest.mark.requirement("R2")
async def test_a_report_that_was_called_off_is_asked_for_again(asking):
    clients, _, work = asking
    ask = clients["peacock"]
    given = {"kind": "CUSTOMER_LIST", "formats": ["CSV"], "parameters": {"state": "CURRENT"}}
    asked = (await ask(RUN, {"input": given})).data["runReport"]["record"]["id"]
    retry = """mutation ($id: ID!) { retryReport(input: {id: $id}) {
      record { state tries parameters } job { state } userErrors { path code } } }"""
    early = (await ask(retry, {"id": asked})).data["retryReport"]
    assert early["userErrors"] == [{"path": ["input", "id"], "code": "NOT_REPEATABLE"}]
    cancel = "mutation ($id: ID!) { cancelReport(input: {id: $id}) { userErrors { code } } }"
    assert (await ask(cancel, {"id": asked})).data["cancelReport"]["userErrors"] == []
    told = (await ask(retry, {"id": asked})).data["retryReport"]
    assert told["record"] == {"state": "WAITING", "tries": 2, "parameters": {"state": "CURRENT"}}
    assert told["job"]["state"] == "WAITING"
    await work()
    state = "query ($id: ID!) { reportRun(id: $id) { state csv { name } } }"
    made = (await ask(state, {"id": asked})).data["reportRun"]
    assert (made["state"], made["csv"]["name"][:13]) == ("DONE", "Customer list")
