"""graphql-core with the engine in it: what the catalogue describes is answered whole, the rest is stock.

A field is either completed by the engine or executed field by field as the reference does; there is
nothing in between, so errors, their paths and the spreading of null are the reference's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cached_property, partial
from inspect import isawaitable
from typing import Any, Self
from uuid import UUID

from graphql import (
    GraphQLAbstractType,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    default_field_resolver,
    default_type_resolver,
)
from graphql.execution.collect_fields import FieldDetails
from graphql.execution.values import VariableValues, get_argument_values
from graphql.pyutils import Path
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from kedang_graphql.context import Context
from kedang_graphql.engine.composing import Composer
from kedang_graphql.engine.operations import Operation, Selected
from kedang_graphql.engine.references import Ref, References, Shown
from kedang_graphql.engine.requests import Binding, Budget, masked_paths
from kedang_graphql.engine.roots import RootReader, Roots, answer_records
from kedang_graphql.engine.selection import RecordNode, SelectionReader
from kedang_graphql.engine.together import Together
from kedang_graphql.idempotency import Answered, begin, digest, keep, key_of, one_at_a_time
from kedang_platform.errors import Forbidden
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import catalogue

__all__ = ["EngineExecutor", "Ref", "Verb", "executor_class"]

Verb = Callable[[Context, Mapping[str, Any]], Awaitable[Any]]
Selecting = Callable[[str, Sequence[FieldDetails], VariableValues, Callable[[], RecordNode]], Selected]


class EngineExecutor(StrawberryGraphQLCoreExecutionContext):
    """Executes one operation; ``roots`` and ``verbs`` are set on the class that ``executor_class`` makes."""

    roots: Roots
    verbs: Mapping[str, Verb]
    changes = 0
    """How many root fields a mutation has."""

    @classmethod
    def prepared(
        cls,
        schema: GraphQLSchema,
        operation: Operation,
        definition: OperationDefinitionNode,
        variables: VariableValues,
        context: Context,
    ) -> Self:
        """For an operation that has been found in its valid document, its variables coerced."""
        return cls(
            schema,
            {name: fragment.definition for name, fragment in operation.fragments.items()},
            operation.fragments,
            None,
            context,
            definition,
            variables,
            default_field_resolver,
            default_type_resolver,
            default_field_resolver,
        )

    @cached_property
    def budget(self) -> Budget:
        """What all fields of the operation may bring together."""
        return Budget(largest_page=self.context_value.settings.largest_page)

    @cached_property
    def together(self) -> Together:
        """The transaction that the root fields of a query share."""
        context: Context = self.context_value
        return Together(lambda: context.databases.tenant_read(context.company.ref))

    @cached_property
    def references(self) -> References:
        """The Refs of the operation that wait to be read."""
        return References(self._records)

    def execute_field(
        self,
        parent_type: GraphQLObjectType,
        source: Any,
        field_details_list: list[FieldDetails],
        path: Path,
        position_context: Any,
    ) -> Any:
        if path.prev is None:
            name = field_details_list[0].node.name.value
            if parent_type is self.schema.query_type and name in self.roots:
                return self._guarded(
                    parent_type, field_details_list, path, self._root(name, str(path.key), field_details_list)
                )
            if parent_type is self.schema.mutation_type and name in parent_type.fields:
                change = self._change(parent_type, source, field_details_list, path, position_context)
                return self._guarded(parent_type, field_details_list, path, change)
        return super().execute_field(parent_type, source, field_details_list, path, position_context)

    def execute_fields_serially(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Path | None,
        grouped_field_set: dict[str, list[FieldDetails]],
        position_context: Any,
    ) -> Any:
        self.changes = sum(
            details[0].node.name.value in parent_type.fields for details in grouped_field_set.values()
        )
        return super().execute_fields_serially(
            parent_type, source_value, path, grouped_field_set, position_context
        )

    def complete_object_value(
        self,
        return_type: GraphQLObjectType,
        field_details_list: list[FieldDetails],
        info: Any,
        path: Path,
        result: Any,
        position_context: Any,
    ) -> Any:
        if isinstance(result, Ref):
            return self.references.answer(result, field_details_list, path)
        return super().complete_object_value(
            return_type, field_details_list, info, path, result, position_context
        )

    def complete_abstract_value(
        self,
        return_type: GraphQLAbstractType,
        field_details_list: list[FieldDetails],
        info: Any,
        path: Path,
        result: Any,
        position_context: Any,
    ) -> Any:
        if isinstance(result, Ref):  # what kind of record it is, it says itself
            return self.references.answer(result, field_details_list, path)
        return super().complete_abstract_value(
            return_type, field_details_list, info, path, result, position_context
        )

    async def _guarded(
        self,
        parent_type: GraphQLObjectType,
        details: list[FieldDetails],
        path: Path,
        answer: Awaitable[Any],
    ) -> Any:
        """An answer of the engine, its failure handled as that of the field."""
        definition = parent_type.fields[details[0].node.name.value]
        try:
            return await answer
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to this field
            self.handle_field_error(error, definition.type, details, path)
            return None

    async def _root(self, name: str, key: str, details: list[FieldDetails]) -> Any:
        context: Context = self.context_value
        context.require_scope("read")
        viewer = await context.viewer()
        reader = RootReader(self.schema, catalogue(), self.operation, self.fragments, self.variable_values)
        assert self.schema.query_type is not None
        root = self.roots[name](reader, self.schema.query_type.fields[name], details)
        context.answer.masked.update(root.masked(viewer, key))
        binding = Binding(viewer, self.variable_values, self.budget, context)
        return await self.together.read(lambda tx: root.answer(tx, binding, Composer(viewer, {})))

    async def _records(
        self, record: str, ids: Sequence[UUID], details: list[FieldDetails], pattern: str
    ) -> Shown:
        context: Context = self.context_value
        viewer = await context.viewer()
        selections = SelectionReader(
            self.schema, catalogue(), self.operation, self.fragments, self.variable_values
        )
        read = partial(selections.record_node, catalogue().record(record), details)
        if context.selected is None:
            selected = Selected(read())
        else:
            selected = context.selected(record, details, self.variable_values, read)
        node = selected.node
        context.answer.masked.update(masked_paths(viewer, node, pattern))
        binding = Binding(viewer, self.variable_values, self.budget)
        async with context.writing.reading(context.databases, viewer.company) as tx:
            return await answer_records(tx, binding, Composer(viewer, selected.compiled), node, ids)

    async def _change(
        self,
        parent_type: GraphQLObjectType,
        source: Any,
        details: list[FieldDetails],
        path: Path,
        position_context: Any,
    ) -> Any:
        """A root field of a mutation, whole: what it writes is committed when its payload is complete.

        Any error in the payload undoes it. Under an idempotency key the answer is kept with it.
        """
        context: Context = self.context_value
        place = str(path.key)
        arguments = get_argument_values(
            parent_type.fields[details[0].node.name.value], details[0].node, self.variable_values
        )
        key = self._key(parent_type, details, arguments)
        complete = partial(self._complete, parent_type, source, details, path, position_context, arguments)
        if key is None:
            async with context.writing.field():
                return await complete()
        request = digest(place, arguments, details, self.fragments, self.variable_values.coerced)
        async with one_at_a_time(context, key), context.writing.field():
            asked, before = await begin(context, key, request)
            if before is None:
                done = context.writing.done
                value = await complete()
                if context.writing.done == done:  # refused before the verb did anything: that is not kept
                    await context.writing.undo()
                masked = sorted(found for found in context.answer.masked if found.startswith(f"{place}."))
                await keep(context, asked, Answered(value, masked))
                return value
            context.answer.masked.update(before.masked)
            return before.value

    def _key(
        self, parent_type: GraphQLObjectType, details: list[FieldDetails], arguments: Mapping[str, Any]
    ) -> str | None:
        definition = parent_type.fields[details[0].node.name.value]
        return key_of(self.context_value.idempotency_key, definition, arguments, changes=self.changes)

    async def _complete(
        self,
        parent_type: GraphQLObjectType,
        source: Any,
        details: list[FieldDetails],
        path: Path,
        position_context: Any,
        arguments: Mapping[str, Any],
    ) -> Any:
        """The verb's work and its payload; an error in the payload undoes the work."""
        before = len(self.collected_errors.errors)
        name = details[0].node.name.value
        if name in self.verbs:
            answer = self._verb(parent_type, name, details, path, position_context, arguments)
        else:
            answer = super().execute_field(parent_type, source, details, path, position_context)
        value = await answer if isawaitable(answer) else answer
        if len(self.collected_errors.errors) > before:
            await self.context_value.writing.undo()
        return value

    def _verb(
        self,
        parent_type: GraphQLObjectType,
        name: str,
        details: list[FieldDetails],
        path: Path,
        position_context: Any,
        arguments: Mapping[str, Any],
    ) -> Any:
        definition = parent_type.fields[name]
        info = self.build_resolve_info(definition, [d.node for d in details], parent_type, path)

        async def act() -> Any:
            context: Context = self.context_value
            if "write" not in context.signed_in().scopes:
                raise Forbidden(
                    msg("This API key may not do this: it lacks the scope “{scope}”."), scope="write"
                )
            return await self.verbs[name](context, arguments)

        return self.complete_awaitable_value(definition.type, details, info, path, act(), position_context)


def executor_class(roots: Roots, verbs: Mapping[str, Verb]) -> type[EngineExecutor]:
    """The executor of one schema."""
    return type("BoundExecutor", (EngineExecutor,), {"roots": roots, "verbs": verbs})
