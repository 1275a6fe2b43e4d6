"""Subscriptions as the schema has them: for every record a field that tells of its changes."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from functools import cache
from typing import Final

import strawberry

from kedang_graphql.engine.building import Argument, blank, finish, output_field
from kedang_graphql.engine.roots import singular
from kedang_graphql.engine.types import Types
from kedang_graphql.jobs import Job
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import RecordType, catalogue

# Written set-wise beside the audit trail: of grades tells the customer's own event, of deliveries nobody.
_SILENT: Final = frozenset({"customer_grade", "webhook_delivery"})


@strawberry.enum(description="What happened to a record.")
class ChangeAction(Enum):
    CREATED = "created"
    UPDATED = "updated"
    ARCHIVED = "archived"
    RESTORED = "restored"
    GRADED = strawberry.enum_value("graded", description="A customer has got another grade.")
    CLOSED = strawberry.enum_value("closed", description="A service request was closed.")
    SUBMITTED = strawberry.enum_value("submitted", description="An answer to a survey was handed in.")
    VERIFIED = strawberry.enum_value(
        "verified", description="A customer's archive was gone through and found right."
    )
    SENT_OUT = strawberry.enum_value("sent_out", description="A questionnaire was sent out.")


CODES: Final = {action.value: action.name for action in ChangeAction}
"""The audit trail's words for what happened, and the API's."""


@cache
def watchable() -> dict[str, RecordType]:
    """The records that can be watched, by the name of their subscription field."""
    return {f"{singular(record)}Changes": record for record in catalogue() if record.name not in _SILENT}


def subscription_type(made: Types) -> type:
    """The root type of subscriptions."""
    fields = {
        name: output_field(
            name,
            _change_type(made, record),
            arguments=[
                Argument("ids", list[strawberry.ID] | None, "Only of these records."),
                Argument("actions", list[ChangeAction] | None, "Only when one of these happened."),
                Argument(
                    "where",
                    made.of[record.name].where | None,
                    "Only of records that are so after the change.",
                ),
            ],
            description=msg("Each change of what you may see, told at least once and as the record is then."),
        )
        for name, record in watchable().items()
    }
    fields["job"] = output_field(
        "job",
        Job,
        arguments=[Argument("id", strawberry.ID, "The job.")],
        description=msg("How far a job is, now and whenever that changes; it ends with the job."),
    )
    return finish(blank("Subscription"), fields)


def _change_type(made: Types, record: RecordType) -> type:
    one = singular(record)
    return finish(
        blank(f"{record.api_name}Change"),
        {
            "action": output_field("action", ChangeAction),
            "id": output_field("id", strawberry.ID, description="The record's id."),
            "sequence": output_field(
                "sequence",
                str,
                description="A number of its own for each change in the company; a later one's is greater.",
            ),
            "at": output_field("at", datetime),
            "changed": output_field(
                "changed", list[str], description="The fields that differ, as far as you may read them."
            ),
            one: output_field(one, made.of[record.name].node, description="The record as it is now."),
        },
    )
