"""Every feature's models and the rules on them, in the order of the layers: importing this makes them known."""

from kedang_tenants.approvals import following as approval_following
from kedang_tenants.approvals import guards as approval_guards
from kedang_tenants.approvals import models as approvals
from kedang_tenants.approvals import rule_versions as approval_of_rules
from kedang_tenants.bulk import models as bulk
from kedang_tenants.catalogue import models as catalogue_models
from kedang_tenants.changing import repeating
from kedang_tenants.changing import tables as changing_tables
from kedang_tenants.classing import guards as classing_guards
from kedang_tenants.classing import models as classing
from kedang_tenants.classing import processes as classing_processes
from kedang_tenants.classing import segments as classing_segments
from kedang_tenants.correspondence import models as correspondence
from kedang_tenants.correspondence import suppressing, templates, undelivered
from kedang_tenants.customers import consenting, consents, restricting
from kedang_tenants.customers import models as customers
from kedang_tenants.dailies import dues as daily_dues
from kedang_tenants.dailies import guards as daily_guards
from kedang_tenants.dailies import models as dailies
from kedang_tenants.dailies import rule as daily_rule
from kedang_tenants.files import models as files
from kedang_tenants.followups import (
    calendar_feeds,
    details,
    meeting_dues,
    meeting_rules,
    meetings,
    receipt_mails,
    receipts,
    visit_dues,
    visit_rules,
    visiting,
    visits,
)
from kedang_tenants.followups import escalating as followup_escalating
from kedang_tenants.followups import events as followup_events
from kedang_tenants.followups import guards as followup_guards
from kedang_tenants.followups import models as followups
from kedang_tenants.followups import recording as followup_recording
from kedang_tenants.followups import reminding as followup_reminding
from kedang_tenants.grading import criteria_models as grading_criteria
from kedang_tenants.grading import dues as grading_dues
from kedang_tenants.grading import events as grading_events
from kedang_tenants.grading import guards as grading_guards
from kedang_tenants.grading import leading as grading_leading
from kedang_tenants.grading import models as grading
from kedang_tenants.grading import prices as grading_prices
from kedang_tenants.grading import telling as grading_telling
from kedang_tenants.grading import trials as grading_trials
from kedang_tenants.grading import versions as grading_versions
from kedang_tenants.handover import models as handover
from kedang_tenants.hot import asking as hot_asking
from kedang_tenants.hot import events as hot_events
from kedang_tenants.hot import expiring as hot_expiring
from kedang_tenants.hot import guards as hot_guards
from kedang_tenants.hot import models as hot
from kedang_tenants.imports import models as imports
from kedang_tenants.measuring import models as measuring
from kedang_tenants.opening import criteria
from kedang_tenants.people import access, calendar, custom_fields, lines, notices, rights
from kedang_tenants.people import models as people
from kedang_tenants.pool import events as pool_events
from kedang_tenants.pool import guards as pool_guards
from kedang_tenants.pool import models as pool
from kedang_tenants.pool import sweeping as pool_sweeping
from kedang_tenants.protection import models as protection
from kedang_tenants.protection import retention_rules
from kedang_tenants.reports import guards as report_guards
from kedang_tenants.reports import models as reports
from kedang_tenants.rules import models as rules
from kedang_tenants.service import dues as service_dues
from kedang_tenants.service import events as service_events
from kedang_tenants.service import guards as service_guards
from kedang_tenants.service import maintenance, maintenance_plans, owned_dues, owned_products
from kedang_tenants.service import models as service
from kedang_tenants.surveys import guards as survey_guards
from kedang_tenants.surveys import loop as survey_loop
from kedang_tenants.surveys import mailing as survey_mailing
from kedang_tenants.surveys import measures as survey_measures
from kedang_tenants.surveys import models as surveys
from kedang_tenants.surveys import occasions as survey_occasions
from kedang_tenants.surveys import sending_models as survey_sendings
from kedang_tenants.trade import (
    contract_rules,
    contracts,
    demand_life,
    demands,
    prices,
    quotations,
    receivable_rules,
    receivables,
)
from kedang_tenants.trade import dues as trade_dues
from kedang_tenants.trade import models as trade
from kedang_tenants.trade import rules as trade_rules
from kedang_tenants.verification import cycles as verification_cycles
from kedang_tenants.verification import dues as verification_dues
from kedang_tenants.verification import models as verification
from kedang_tenants.verification import replanning as verification_replanning
from kedang_tenants.watching import events as watching_events
from kedang_tenants.watching import models as watching
from kedang_tenants.webhooks import guards as webhook_guards
from kedang_tenants.webhooks import models as webhooks
from kedang_tenants.webhooks import queueing as webhook_queueing

__all__ = [
    "access",
    "approval_following",
    "approval_guards",
    "approval_of_rules",
    "approvals",
    "bulk",
    "calendar",
    "calendar_feeds",
    "catalogue_models",
    "changing_tables",
    "classing",
    "classing_guards",
    "classing_processes",
    "classing_segments",
    "consenting",
    "consents",
    "contract_rules",
    "contracts",
    "correspondence",
    "criteria",
    "custom_fields",
    "customers",
    "dailies",
    "daily_dues",
    "daily_guards",
    "daily_rule",
    "demand_life",
    "demands",
    "details",
    "files",
    "followup_escalating",
    "followup_events",
    "followup_guards",
    "followup_recording",
    "followup_reminding",
    "followups",
    "grading",
    "grading_criteria",
    "grading_dues",
    "grading_events",
    "grading_guards",
    "grading_leading",
    "grading_prices",
    "grading_telling",
    "grading_trials",
    "grading_versions",
    "handover",
    "hot",
    "hot_asking",
    "hot_events",
    "hot_expiring",
    "hot_guards",
    "imports",
    "lines",
    "maintenance",
    "maintenance_plans",
    "measuring",
    "meeting_dues",
    "meeting_rules",
    "meetings",
    "notices",
    "owned_dues",
    "owned_products",
    "people",
    "pool",
    "pool_events",
    "pool_guards",
    "pool_sweeping",
    "prices",
    "protection",
    "quotations",
    "receipt_mails",
    "receipts",
    "receivable_rules",
    "receivables",
    "repeating",
    "report_guards",
    "reports",
    "restricting",
    "retention_rules",
    "rights",
    "rules",
    "service",
    "service_dues",
    "service_events",
    "service_guards",
    "suppressing",
    "survey_guards",
    "survey_loop",
    "survey_mailing",
    "survey_measures",
    "survey_occasions",
    "survey_sendings",
    "surveys",
    "templates",
    "trade",
    "trade_dues",
    "trade_rules",
    "undelivered",
    "verification",
    "verification_cycles",
    "verification_dues",
    "verification_replanning",
    "visit_dues",
    "visit_rules",
    "visiting",
    "visits",
    "watching",
    "watching_events",
    "webhook_guards",
    "webhook_queueing",
    "webhooks",
]
