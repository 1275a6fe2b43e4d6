"""squawk reads the SQL that the runner will send, statement by statement."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from kedang_migrations import rendering
from kedang_migrations.environments import ENVIRONMENTS
from kedang_migrations.rendering import Step

SQUAWK = Path(sys.executable).with_name("squawk")
# A revision runs in one transaction with a lock timeout that the runner sets, on one company's schema at
# a time: a new index locks one company's table for a moment. Integers count within a record, or a version.
# A condition is dropped only to be made anew, wider, and a column may be null only where that is meant: the tests below
# see to that.
EXCLUDED = (
    "require-concurrent-index-creation",
    "require-timeout-settings",
    "prefer-robust-stmts",
    "prefer-bigint-over-int",
    "prefer-bigint-over-smallint",
    "ban-drop-constraint",
    "ban-drop-not-null",
)
DROPPED = re.compile(r"DROP CONSTRAINT (\w+)")
# Unique within a company is enough since one may be restored beside itself; an index of that revision sees to it.
WIDENED_TO_AN_INDEX = {"uq_membership_member_id"}
# The stages of a demand are a company's own; the release before writes none but the product's, which stay among them.
GIVEN_UP = {"ck_demand_stage"}
NULLED = re.compile(r"ALTER TABLE (\w+) ALTER COLUMN (\w+) DROP NOT NULL")
# What came in by a link for everybody has no customer; processes of the release before meet none of it but while a
# newer one runs beside them, and then fail to show that one row only.
MAY_BE_NULL = {("survey_answer", "customer_id"), ("survey_invitation", "customer_id")}
MADE = re.compile(r"ADD CONSTRAINT (\w+)")


def lint(step, folder):
    sql = folder / f"{step.revision}.sql"
    sql.write_text(";\n".join(step.statements) + ";\n")
    command = [SQUAWK, "--assume-in-transaction", "--pg-version=15", "--reporter=gcc"]
    done = subprocess.run(
        [*command, *(f"--exclude={rule}" for rule in EXCLUDED), str(sql)],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_squawk_finds_nothing_in_the_revisions(name, tmp_path):
    steps = rendering.steps(ENVIRONMENTS[name])
    assert steps
    for step in steps:
        code, text = lint(step, tmp_path)
        assert code == 0, text


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_a_condition_is_dropped_only_to_be_made_anew(name):
    for step in rendering.steps(ENVIRONMENTS[name]):
        text = "\n".join(step.statements)
        dropped = [name for name in DROPPED.findall(text) if name not in WIDENED_TO_AN_INDEX | GIVEN_UP]
        assert dropped == [made for made in MADE.findall(text) if made in dropped]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_a_column_may_be_null_only_where_that_is_meant(name):
    text = "\n".join(
        statement for step in rendering.steps(ENVIRONMENTS[name]) for statement in step.statements
    )
    assert set(NULLED.findall(text)) - MAY_BE_NULL == set()


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE customer DROP COLUMN name",
        "ALTER TABLE customer ALTER COLUMN name TYPE varchar(20)",
        "ALTER TABLE customer RENAME COLUMN name TO title",
        "ALTER TABLE customer ADD COLUMN note text NOT NULL",
        "DROP TABLE customer",
    ],
)
def test_squawk_finds_what_the_release_before_could_not_live_with(statement, tmp_path):
    code, text = lint(Step("9001", (statement,)), tmp_path)
    assert code != 0, text
