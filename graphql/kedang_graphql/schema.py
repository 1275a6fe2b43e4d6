"""The one static schema: what the catalogue generates, and the verbs of the trade that features add."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import strawberry
from graphql import GraphQLSchema
from strawberry.tools import merge_types

from kedang_graphql.describing import describe
from kedang_graphql.engine.aggregate_types import aggregates_arguments, aggregates_type
from kedang_graphql.engine.arguments import LARGEST_PAGE
from kedang_graphql.engine.building import Argument, blank, finish, output_field
from kedang_graphql.engine.executor import EngineExecutor, executor_class
from kedang_graphql.engine.operations import OperationCache
from kedang_graphql.engine.roots import Roots, aggregates, make_roots, singular
from kedang_graphql.engine.types import KEY, Node, Types, generated_types
from kedang_graphql.engine.verbs import MOST_INPUTS, batch_name, make_verbs
from kedang_graphql.features import MUTATIONS, QUERIES, ROOTS
from kedang_graphql.inputs import Repeatable
from kedang_graphql.live_types import subscription_type
from kedang_graphql.measuring.signatures import vocabulary
from kedang_graphql.scalars import CONFIG
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import catalogue


@strawberry.input(description="Which record, and at which version its caller last saw it.")
class RecordInput(Repeatable):
    id: strawberry.ID
    version: int | None = strawberry.UNSET


@dataclass(frozen=True)
class Gateway:
    """The schema, ready to execute: graphql-core's own, and the engine that answers most of it."""

    schema: strawberry.Schema
    core: GraphQLSchema
    executor: type[EngineExecutor]
    roots: Roots
    words: frozenset[str]
    """All that may stand in the arguments of a document."""

    def operation_cache(self, largest_page: int = LARGEST_PAGE) -> OperationCache:
        return OperationCache(
            self.core, catalogue(), self.roots, largest_page=largest_page, words=(self.words,)
        )


@cache
def build_gateway() -> Gateway:
    """Build the schema of this release; the same for every company, so once a process."""
    made = generated_types()
    schema = strawberry.Schema(
        query=merge_types("Query", (_query(made), *QUERIES)),
        mutation=merge_types("Mutation", (_mutation(made), *MUTATIONS)),
        subscription=subscription_type(made),
        types=[classes.node for classes in made.of.values()],
        config=CONFIG,
    )
    # Strawberry keeps graphql-core's schema private; planning and limits need it.
    core: GraphQLSchema = schema._schema  # noqa: SLF001
    describe(core, generated_types())
    roots = {**make_roots(), **ROOTS}
    words = vocabulary(core, core.type_map)
    return Gateway(schema, core, executor_class(roots, make_verbs(catalogue())), roots, words)


def _query(made: Types) -> type:
    fields = {
        "node": output_field(
            "node",
            Node | None,
            arguments=[Argument("id", strawberry.ID)],
            description="Any record by its id.",
        ),
        "nodes": output_field(
            "nodes",
            list[Node | None],
            arguments=[Argument("ids", list[strawberry.ID])],
            description="Records of any kind by their ids, at most 250, in the order of the ids; null for what is not there.",
        ),
    }
    for record in catalogue():
        classes = made.of[record.name]
        fields[record.api_plural] = output_field(
            record.api_plural,
            classes.connection,
            arguments=made.listing_arguments(record),
            description=record.labels[1],
        )
        one = singular(record)
        fields[one] = output_field(
            one, classes.node | None, arguments=[Argument("id", strawberry.ID)], description=record.labels[0]
        )
        grouped = aggregates(record)
        fields[grouped] = output_field(
            grouped,
            aggregates_type(made, record),
            arguments=aggregates_arguments(made, record),
            description=msg("How many, how much: counts and figures, also by groups."),
        )
    return finish(blank("GeneratedQuery"), fields)


def _batch_arguments(given: Any) -> list[Argument]:
    return [
        Argument("inputs", list[given]),
        Argument("partial", bool, "Do what can be done; else all is done, or nothing.", default=False),
        Argument(KEY, str | None, "Asked for again under this key within 24 hours, it is done once."),
    ]


def _mutation(made: Types) -> type:
    fields = {}
    for record in catalogue():
        classes = made.of[record.name]
        inputs: Sequence[tuple[str, Any]] = (
            ("create", classes.create),
            ("update", classes.update),
            ("archive", RecordInput),
            ("restore", RecordInput),
        )
        for action, given in inputs:
            if action in record.actions:
                name = f"{action}{record.api_name}"
                fields[name] = output_field(name, classes.payload, arguments=[Argument("input", given)])
                many = batch_name(action, record)
                fields[many] = output_field(
                    many,
                    classes.batch,
                    arguments=_batch_arguments(given),
                    description=f"As {name}, for at most {MOST_INPUTS} at once.",
                )
    return finish(blank("GeneratedMutation"), fields)
