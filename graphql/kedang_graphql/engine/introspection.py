"""What clients ask of the schema itself: answered apart from everybody else, and remembered.

The whole schema takes graphql-core some hundred milliseconds, the same for every client that is built
from it. A thread works it out, one at a time for a schema, so that other requests go on beside it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from time import thread_time
from typing import Any

import orjson
from graphql import ExecutionResult, OperationDefinitionNode, execute

from kedang_graphql.engine.operations import Operation, OperationCache


async def answer_about_schema(
    operations: OperationCache,
    operation: Operation,
    definition: OperationDefinitionNode,
    variables: Mapping[str, Any],
) -> tuple[orjson.Fragment, float]:
    """The data of an operation that asks for nothing else, as JSON, and the milliseconds that it took.

    Those are 0 where it is remembered, which needs an operation without variables.
    """
    async with operations.telling:
        name = definition.name.value if definition.name else None
        known = operation.told.get(name)
        if known is not None:
            return orjson.Fragment(known), 0.0
        told, milliseconds = await asyncio.to_thread(_tell, operations, operation, name, variables)
        if not definition.variable_definitions:
            operations.remember_told(operation, name, told)
        return orjson.Fragment(told), milliseconds


def _tell(
    operations: OperationCache, operation: Operation, name: str | None, variables: Mapping[str, Any]
) -> tuple[bytes, float]:
    began = thread_time()
    assert operation.document is not None
    result = execute(
        operations.schema, operation.document, variable_values=dict(variables), operation_name=name
    )
    assert isinstance(result, ExecutionResult)
    assert not result.errors, result.errors
    return orjson.dumps(result.data), (thread_time() - began) * 1000
