"""Requests that cost a server much and their sender nothing, and how each must be refused."""

from dataclasses import dataclass, field
from typing import Any

import orjson

TOO_LARGE = "DOCUMENT_TOO_LARGE"
# How far a request may get: each step is work that the ones before it spare.
STEPS = ("nothing", "parse", "validate", "coerce")
LIST = "query ($w: ProductWhere) { products(where: $w) { totalCount } }"
CREATE = "mutation ($i: CreateProductInput!) { createProduct(input: $i) { userErrors { code } } }"


@dataclass(frozen=True)
class Attack:
    """A request, the code of its refusal and the last step that may be begun for it."""

    query: str
    code: str
    reaches: str
    variables: dict[str, Any] = field(default_factory=dict)
    status: int = 400

    @property
    def body(self) -> bytes:
        return orjson.dumps({"query": self.query, "variables": self.variables})


def fragments(count: int, on: str, inside: str) -> str:
    """Fragments F0, F1, … of one shape; ``{n}`` and ``{next}`` in it are numbers."""
    made = (
        f" fragment F{n} on {on} {{ {inside.replace('{next}', str((n + 1) % count)).replace('{n}', str(n))} }}"
        for n in range(count)
    )
    return "".join(made)


def objects(depth: int) -> orjson.Fragment:
    return orjson.Fragment('{"NOT":' * depth + "{}" + "}" * depth)


def guesses(count: int) -> str:
    guess = 'signIn(input: {email: "a@b.example", password: "%d"}) { userErrors { code } }'
    return "mutation { " + " ".join(f"a{n}: {guess % n}" for n in range(count)) + " }"


SUGGESTED = " ".join(f"customer{n}" for n in range(900))

ATTACKS = {
    "a document of 900 KB": Attack("#" + "x" * 900_000, TOO_LARGE, "nothing"),
    "a field flood": Attack("{" + " __typename" * 5000 + " }", TOO_LARGE, "parse"),
    "an alias flood": Attack(
        "{" + "".join(f" a{n}: __typename" for n in range(330)) + " }", TOO_LARGE, "parse"
    ),
    "an alias flood of lists": Attack(
        "{" + "".join(f" a{n}: tags {{ totalCount }}" for n in range(120)) + " }", TOO_LARGE, "parse"
    ),
    "the schema thirty times": Attack(
        "{"
        + "".join(f" a{n}: __schema {{ ...F0 }}" for n in range(30))
        + " }"
        + fragments(1, "__Schema", "types { fields { args { type { name } } } }"),
        TOO_LARGE,
        "parse",
    ),
    "a directive flood": Attack("{ __typename" + " @skip(if: false)" * 160 + " }", TOO_LARGE, "parse"),
    "a flood of unknown directives": Attack("{ __typename" + " @x" * 480 + " }", TOO_LARGE, "parse"),
    "a flood of unknown fields": Attack("{ " + SUGGESTED + " }", "GRAPHQL_VALIDATION_FAILED", "validate"),
    "a flood of operations": Attack(
        " ".join(f"query Q{n} {{ ...F0 }}" for n in range(80))
        + fragments(1, "Query", "tags { totalCount } " * 80),
        "BAD_USER_INPUT",
        "validate",
    ),
    "cyclic fragments": Attack(
        "{ tags { nodes { ...F0 } } }" + fragments(2, "Tag", "...F{next}"), TOO_LARGE, "parse"
    ),
    "cyclic fragments that nobody uses": Attack(
        "{ __typename }" + fragments(120, "Tag", "...F{next}"), "GRAPHQL_VALIDATION_FAILED", "validate"
    ),
    "fragments that double": Attack(
        "{ tags { nodes { ...F0 } } }" + fragments(60, "Tag", "id ...F{next} ...F{next}"),
        TOO_LARGE,
        "parse",
    ),
    "overlapping fields": Attack("{" + " tags { nodes { id name } }" * 110 + " }", TOO_LARGE, "validate"),
    "overlapping leaves": Attack("{" + " __typename" * 990 + " }", TOO_LARGE, "validate"),
    "overlapping fragments": Attack(
        "{ "
        + " ".join(f"...F{n}" for n in range(60))
        + " }"
        + fragments(60, "Query", "tags { totalCount nodes { id } }"),
        TOO_LARGE,
        "validate",
    ),
    "overlapping fields, level for level": Attack(
        "{" + " customers { nodes { parent { parent { parent { id } } } } }" * 50 + " }",
        TOO_LARGE,
        "validate",
    ),
    "overlapping fields that contradict each other": Attack(
        "{" + " tags(first: 1) { totalCount } tags(first: 2) { totalCount }" * 50 + " }",
        TOO_LARGE,
        "validate",
    ),
    "overlapping fields in fragments that nobody uses": Attack(
        "{ __typename }" + fragments(6, "Query", "__typename " * 150), TOO_LARGE, "validate"
    ),
    "selections without a bottom": Attack("{ a " * 300 + "}" * 300, TOO_LARGE, "parse"),
    "objects without a bottom": Attack(
        "{ products(where: " + "{NOT: " * 240 + "{}" + "}" * 240 + ") { totalCount } }", TOO_LARGE, "parse"
    ),
    "lists without a bottom": Attack(
        "{ products(orderBy: " + "[" * 450 + "]" * 450 + ") { totalCount } }", TOO_LARGE, "parse"
    ),
    "a list of 10,000 in the document": Attack(
        "{ products(where: {name: {in: [" + '"x" ' * 10_000 + "]}}) { totalCount } }", TOO_LARGE, "parse"
    ),
    "objects without a bottom in variables": Attack(
        LIST, "GRAPHQL_VALIDATION_FAILED", "coerce", {"w": objects(450)}
    ),
    "a list of 10,000": Attack(
        LIST, "VARIABLES_TOO_LARGE", "validate", {"w": {"name": {"in": ["x"] * 10_000}}}
    ),
    "a list of 1,001": Attack(LIST, "BAD_USER_INPUT", "coerce", {"w": {"name": {"in": ["x"] * 1001}}}, 200),
    "1 MB of empty objects": Attack(
        LIST, "VARIABLES_TOO_LARGE", "validate", {"w": {"OR": [{} for _ in range(300_000)]}}
    ),
    "1 MB of conditions": Attack(
        LIST,
        "VARIABLES_TOO_LARGE",
        "validate",
        {"w": {"OR": [{"OR": [{"name": {"eq": "x"}} for _ in range(40)]} for _ in range(900)]}},
    ),
    "1 MB of own fields": Attack(
        CREATE,
        "VARIABLES_TOO_LARGE",
        "validate",
        {"i": {"name": "x", "customFields": {f"k{n}": n for n in range(60_000)}}},
    ),
    "1 MB of unknown fields": Attack(
        CREATE, "VARIABLES_TOO_LARGE", "validate", {"i": {f"k{n}": n for n in range(60_000)}}
    ),
    "9,900 values that are all wrong": Attack(
        LIST, "GRAPHQL_VALIDATION_FAILED", "coerce", {"w": {"name": {"in": [1] * 9_900}}}
    ),
    "two guesses at a password": Attack(guesses(2), TOO_LARGE, "parse"),
    "fifty guesses at a password": Attack(guesses(50), TOO_LARGE, "parse"),
}
