"""What schemathesis needs to know of the API: values of its scalars, and when an answer is right (SCHEMATHESIS_HOOKS).

A generated request may be refused - its ids are nobody's, its pages too long. It may not fail: no status from 500 on, no
INTERNAL_ERROR, and what is told has to be what the schema says of exactly this selection.
"""

import atexit
import json
import os
from collections import Counter
from pathlib import Path
from random import Random
from zlib import crc32

import requests
import schemathesis
from answers import problems
from graphql import (
    REMOVE,
    ArgumentNode,
    FieldNode,
    IntValueNode,
    NameNode,
    ObjectFieldNode,
    StringValueNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    print_ast,
    validate,
    visit,
)
from hypothesis import strategies as st
from schemathesis.graphql import nodes, scalar

KNOWN: dict[str, list[str]] = {}
ANSWERS: Counter[str] = Counter()
MOSTLY = 0.75
AT_ONCE = 40  # lists in one document, which may hold 1,000 tokens
ORDINARY = {200, 400, 403, 404, 405}
LARGEST = 2**53 - 1
TEXTS = st.sampled_from(["", "x", "客户", "O'Reilly \\ % _", "\u202eabc", "0", "-1", "null"])


def _text_in(language, text):
    return nodes.Object(fields=[ObjectFieldNode(name=NameNode(value=language), value=nodes.String(text))])


scalar("Date", st.dates().map(lambda day: nodes.String(day.isoformat())))
scalar("DateTime", st.datetimes().map(lambda moment: nodes.String(f"{moment.isoformat()}Z")))
scalar(
    "Decimal",
    st.decimals(allow_nan=False, allow_infinity=False, places=6).map(lambda n: nodes.String(str(n))),
)
scalar("MinorUnits", st.integers(-LARGEST, LARGEST).map(nodes.Int))
scalar("LocalisedText", st.builds(_text_in, st.sampled_from(["en", "zh"]), TEXTS))
scalar("JSON", TEXTS.map(nodes.String))


def _known(schema) -> dict[str, list[str]]:
    """The ids of records that there are, by type: a few of each."""
    lists = [
        name for name, field in schema.query_type.fields.items() if {"first", "where"} <= field.args.keys()
    ]
    headers = {"authorization": f"Bearer {os.environ['KEDANG_CLIENTS_KEY']}"}
    known: dict[str, list[str]] = {}
    for start in range(0, len(lists), AT_ONCE):
        some = lists[start : start + AT_ONCE]
        query = "{" + " ".join(f"{name}(first: 3) {{ nodes {{ id __typename }} }}" for name in some) + "}"
        answer = requests.post(
            os.environ["KEDANG_CLIENTS_URL"], json={"query": query}, headers=headers, timeout=30
        ).json()
        for page in answer["data"].values():
            for node in page["nodes"]:
                known.setdefault(node["__typename"], []).append(node["id"])
    return known


class _Sense(Visitor):
    """Puts sense into a valid document: first pages, and ids of records that there are - mostly."""

    def __init__(self, schema, document) -> None:
        super().__init__()
        self._random = Random(crc32(print_ast(document).encode()))
        self._types = TypeInfo(schema)
        self._schema = schema
        self._mixed = False

    def seen_by(self, document):
        return visit(document, TypeInfoVisitor(self._types, self))

    def enter_field(self, node: FieldNode, *_):
        given = {argument.name.value for argument in node.arguments}
        self._mixed = {"first", "last"} <= given and self._random.random() < MOSTLY

    def enter_argument(self, node: ArgumentNode, *_):
        return REMOVE if self._mixed and node.name.value in {"after", "last", "before"} else None

    def enter_string_value(self, node: StringValueNode, _key, _parent, _path, ancestors):
        return self._id(node, ancestors)

    def enter_int_value(self, node: IntValueNode, _key, _parent, _path, ancestors):
        return self._id(node, ancestors)

    def _id(self, node, ancestors):
        if str(get_named_type(self._types.get_input_type())) != "ID" or self._random.random() >= MOSTLY:
            return None
        names = [
            one.name.value
            for one in reversed(ancestors)
            if isinstance(one, ArgumentNode | ObjectFieldNode | FieldNode)
        ]
        fitting = [ids for kind, ids in KNOWN.items() if any(kind.lower() in name.lower() for name in names)]
        ids = self._random.choice(fitting or list(KNOWN.values()) or [[node.value]])
        return StringValueNode(value=self._random.choice(ids))


@schemathesis.hook
def map_body(context, body):
    """A document that is wrong on purpose stays so."""
    schema = context.operation.schema.client_schema
    if not KNOWN:
        KNOWN.update(_known(schema))
    return body if validate(schema, body) else _Sense(schema, body).seen_by(body)


@schemathesis.check
def answers_are_right(_context, response, case):
    """A refusal is fine, a failure is not, and data has the shape that the schema gives this very selection."""
    assert response.status_code in ORDINARY, f"status {response.status_code}"
    body = json.loads(response.content)
    for error in body.get("errors", ()):
        assert error["extensions"]["code"] != "INTERNAL_ERROR", error["message"]
    ANSWERS["with data" if body.get("data") else "refused"] += 1
    found = problems(case.operation.schema.client_schema, case.body, body)
    assert not found, "\n".join(found)


@atexit.register
def _tell() -> None:
    """How many requests were answered with data, for who started this run: refusals alone would prove little."""
    Path(os.environ["KEDANG_CLIENTS_COUNTS"]).write_text(json.dumps(ANSWERS), encoding="utf-8")
