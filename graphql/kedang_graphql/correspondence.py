"""The verbs of writing to people: who mails come from, and how a company's own words look."""

from __future__ import annotations

from enum import Enum
from typing import Any

import strawberry
from strawberry.types import Info

from kedang_graphql.answering import write_in_company
from kedang_graphql.context import Context
from kedang_graphql.engine.executor import Ref
from kedang_graphql.engine.types import UserError, generated_types
from kedang_graphql.errors import user_errors
from kedang_graphql.inputs import Repeatable
from kedang_platform.database import TenantWrite
from kedang_platform.errors import Forbidden, KedangError, Refused
from kedang_platform.i18n import LANGUAGES, Language, msg, translate
from kedang_platform.mail import render
from kedang_tenants.catalogue import catalogue
from kedang_tenants.catalogue.languages import language_code, language_of
from kedang_tenants.correspondence import sender_of
from kedang_tenants.correspondence.identity import set_identity
from kedang_tenants.correspondence.template_kinds import TEMPLATE_KINDS, TemplateKind, Words, template_kind
from kedang_tenants.correspondence.templates import faults_of, letter_of
from kedang_tenants.reading import Scope, Viewer

IDENTITY = generated_types().of["mail_identity"].node
_TEMPLATE = catalogue().record("mail_template")
_LANGUAGE: Any = generated_types().scalar(_TEMPLATE, _TEMPLATE.fields["language"])
_ONE_A_LINE = "One paragraph a line; {link} stands alone on the line where the button is."
_KEEPS = "Not said: stays as it is; null: nothing."


@strawberry.type(description="Something that is filled into a mail where its name stands in braces.")
class MailPlaceholder:
    name: str = strawberry.field(description="Stands in the text as {name}.")
    label: str = strawberry.field(description="What it is, in the language of the request.")
    required: bool = strawberry.field(description="Whether a text without it is refused.")


@strawberry.type(description="The product's own words for a kind of mail in one language.")
class MailWords:
    language: Enum = strawberry.field(graphql_type=_LANGUAGE, description="The language of the words.")
    subject: str = strawberry.field(description="The subject.")
    body: str = strawberry.field(description=_ONE_A_LINE)
    button: str = strawberry.field(description="What stands on the button.")


@strawberry.type(description="A kind of mail that a company can word itself, by mailTemplates.")
class MailTemplateKind:
    code: str = strawberry.field(description="Names it in mailTemplates.")
    label: str = strawberry.field(description="For people, in the language of the request.")
    placeholders: list[MailPlaceholder] = strawberry.field(description="What may stand in its text.")
    words: list[MailWords] = strawberry.field(
        description="What is sent where the company has no template of its own."
    )


@strawberry.input
class PreviewMailTemplateInput:
    kind: str = strawberry.field(description="One of mailTemplateKinds.")
    language: Enum = strawberry.field(graphql_type=_LANGUAGE, description="The language of the words.")
    subject: str = strawberry.field(description="The subject.")
    body: str = strawberry.field(description=_ONE_A_LINE)
    button: str | None = strawberry.field(
        default=None, description="What stands on the button; the product's words if null."
    )


@strawberry.type(description="A mail as it would look, filled with samples; nothing is stored or sent.")
class MailPreview:
    subject: str | None = strawberry.field(description="Null where something is wrong.")
    text: str | None = strawberry.field(description="The mail for readers without HTML.")
    html: str | None = strawberry.field(description="A whole page of HTML; show it in a sandboxed frame.")
    user_errors: list[UserError]


@strawberry.input
class SetMailIdentityInput(Repeatable):
    display_name: str | None = strawberry.field(
        default=strawberry.UNSET, description=f"What stands as the sender. {_KEEPS}"
    )
    reply_to: str | None = strawberry.field(
        default=strawberry.UNSET, description=f"The address that answers go to. {_KEEPS}"
    )
    postal_address: str | None = strawberry.field(
        default=strawberry.UNSET, description=f"Stands below each mail. {_KEEPS}"
    )
    from_address: str | None = strawberry.field(
        default=strawberry.UNSET,
        description=f"The sender's address, in a domain that the operator has allowed the company. {_KEEPS}",
    )


@strawberry.type
class MailIdentityVerbPayload:
    record: Ref | None = strawberry.field(graphql_type=IDENTITY | None)
    user_errors: list[UserError]


async def answer_mail_template_kinds(info: Info[Context, None]) -> list[MailTemplateKind]:
    info.context.require_scope("read")
    await info.context.viewer()
    return [_kind(kind, info.context.language) for kind in TEMPLATE_KINDS.values()]


def _kind(kind: TemplateKind, language: Language) -> MailTemplateKind:
    placeholders = [
        MailPlaceholder(
            name=each.name, label=translate(each.label, language), required=each.name in kind.required
        )
        for each in kind.placeholders
    ]
    words = [_words(kind, each) for each in LANGUAGES]
    label = translate(kind.label, language)
    return MailTemplateKind(code=kind.code, label=label, placeholders=placeholders, words=words)


def _words(kind: TemplateKind, language: Language) -> MailWords:
    said = kind.words(language)
    return MailWords(
        language=_LANGUAGE(language_code(language)), subject=said.subject, body=said.body, button=said.button
    )


async def answer_mail_template_preview(
    info: Info[Context, None],
    input: PreviewMailTemplateInput,  # noqa: A002 - the API's word
) -> MailPreview:
    context = info.context
    context.require_scope("read")
    viewer = await context.viewer()
    try:
        if viewer.on("mail_template").read is not Scope.ALL:
            raise Forbidden(msg("You may not do this."))
        kind = template_kind(input.kind)
        language = language_of(input.language.value)
        button = kind.words(language).button if input.button is None else input.button
        words = Words(input.subject, input.body, button)
        faults = faults_of(kind, words, ("input",))
        if faults:
            raise Refused(faults)
    except KedangError as error:
        told = user_errors(error, context.language)
        return MailPreview(subject=None, text=None, html=None, user_errors=told)
    async with context.databases.tenant_read(viewer.company) as read:
        sender = await sender_of(read, company=context.company)
    samples = {**kind.samples(language), "company": context.company.name}
    mail = render(letter_of(words, language, values=samples), language=language, footer=sender.footer)
    return MailPreview(subject=mail.subject, text=mail.text, html=mail.html, user_errors=[])


_SET = ("display_name", "reply_to", "postal_address", "from_address")


async def answer_set_mail_identity(
    info: Info[Context, None],
    input: SetMailIdentityInput,  # noqa: A002 - the API's word
) -> MailIdentityVerbPayload:
    context = info.context

    async def act(write: TenantWrite, viewer: Viewer) -> Ref:
        values = {name: getattr(input, name) for name in _SET}
        changed = await set_identity(
            write,
            viewer,
            company=context.company,
            values={name: value for name, value in values.items() if value is not strawberry.UNSET},
            allowed=context.settings.mail_domains,
            clock=context.clock,
        )
        return Ref("mail_identity", changed)

    record, errors = await write_in_company(context, act)
    return MailIdentityVerbPayload(record=record, user_errors=errors)


@strawberry.type
class CorrespondenceQuery:
    mail_template_kinds: list[MailTemplateKind] = strawberry.field(
        resolver=answer_mail_template_kinds,
        description="The kinds of mails that the company can word itself, with the product's own words.",
    )
    mail_template_preview: MailPreview = strawberry.field(
        resolver=answer_mail_template_preview,
        description="How words for a kind of mail look, or what is wrong with them.",
    )


@strawberry.type
class CorrespondenceMutation:
    set_mail_identity: MailIdentityVerbPayload = strawberry.mutation(
        resolver=answer_set_mail_identity,
        description="Set who the company's mails to customers come from, and what stands below them.",
    )
