"""What the features add to the schema beside the catalogue: their queries and the verbs of the trade."""

from __future__ import annotations

from collections.abc import Mapping

from kedang_graphql.access import AccessMutation, AccessQuery
from kedang_graphql.account import AccountMutation, AccountQuery
from kedang_graphql.api_keys import ApiKeyMutation, ApiKeyQuery
from kedang_graphql.approvals import ApprovalMutation, ApprovalQuery
from kedang_graphql.audit import AuditQuery
from kedang_graphql.bulk import BulkMutation
from kedang_graphql.calendars import CalendarMutation
from kedang_graphql.calls import CallQuery
from kedang_graphql.classing import ClassingMutation, ClassingQuery
from kedang_graphql.contracts import ContractMutation
from kedang_graphql.conversions import ConversionMutation
from kedang_graphql.correspondence import CorrespondenceMutation, CorrespondenceQuery
from kedang_graphql.customer_routes import CustomerRouteMutation, CustomerRouteQuery
from kedang_graphql.daily_reports import DailyReportMutation, DailyReportQuery
from kedang_graphql.demand_stages import DemandStageQuery
from kedang_graphql.demands import DemandMutation
from kedang_graphql.engine.roots import MakeRoot
from kedang_graphql.files import FileMutation, FileQuery
from kedang_graphql.followups import FollowUpMutation
from kedang_graphql.grading import GradingMutation, GradingQuery
from kedang_graphql.grading_by_hand import GradingByHandMutation, GradingByHandQuery
from kedang_graphql.grading_rules import GradingRuleMutation, GradingRuleQuery
from kedang_graphql.handover import HandoverMutation, HandoverQuery
from kedang_graphql.hot import HotMutation, HotQuery
from kedang_graphql.identity import IdentityMutation, IdentityQuery
from kedang_graphql.imports import ImportMutation, ImportQuery
from kedang_graphql.invoices import InvoiceMutation, InvoiceQuery
from kedang_graphql.jobs import JobMutation, JobQuery
from kedang_graphql.leaving import LeavingMutation, LeavingQuery
from kedang_graphql.licensing import LicensingMutation, LicensingQuery
from kedang_graphql.meetings import MeetingMutation
from kedang_graphql.notices import NoticeMutation, NoticeQuery
from kedang_graphql.openid import OpenIdMutation, OpenIdQuery
from kedang_graphql.operations import OperationQuery
from kedang_graphql.people import PeopleMutation
from kedang_graphql.pool import PoolMutation, PoolQuery
from kedang_graphql.portrait import PortraitQuery
from kedang_graphql.protection import ProtectionMutation, ProtectionQuery
from kedang_graphql.report_figures import ReportQuery
from kedang_graphql.reports import ReportMutation
from kedang_graphql.rules import RuleMutation, RuleQuery
from kedang_graphql.seat_changes import SeatChangeMutation, SeatChangeQuery
from kedang_graphql.segments import SegmentMutation, SegmentQuery
from kedang_graphql.service import ServiceMutation
from kedang_graphql.survey_analysis import SurveyAnalysisQuery
from kedang_graphql.survey_answers import SurveyAnswerMutation
from kedang_graphql.survey_sendings import SurveySendingMutation, SurveySendingQuery
from kedang_graphql.surveys import SurveyMutation
from kedang_graphql.trade import TradeMutation
from kedang_graphql.trade_figures import TradeQuery
from kedang_graphql.verification import VerificationMutation
from kedang_graphql.visits import VisitMutation
from kedang_graphql.webhooks import WebhookMutation
from kedang_graphql.worklist import WORKLIST_ROOTS, WorklistQuery

QUERIES: tuple[type, ...] = (
    AccessQuery,
    AccountQuery,
    ApiKeyQuery,
    ApprovalQuery,
    AuditQuery,
    CallQuery,
    ClassingQuery,
    CorrespondenceQuery,
    CustomerRouteQuery,
    DailyReportQuery,
    DemandStageQuery,
    FileQuery,
    GradingByHandQuery,
    GradingQuery,
    GradingRuleQuery,
    HandoverQuery,
    HotQuery,
    IdentityQuery,
    ImportQuery,
    InvoiceQuery,
    JobQuery,
    LeavingQuery,
    LicensingQuery,
    SeatChangeQuery,
    SegmentQuery,
    OpenIdQuery,
    OperationQuery,
    PoolQuery,
    PortraitQuery,
    ProtectionQuery,
    ReportQuery,
    RuleQuery,
    NoticeQuery,
    SurveyAnalysisQuery,
    SurveySendingQuery,
    TradeQuery,
    WorklistQuery,
)
MUTATIONS: tuple[type, ...] = (
    AccessMutation,
    AccountMutation,
    ApiKeyMutation,
    ApprovalMutation,
    BulkMutation,
    ClassingMutation,
    CalendarMutation,
    ContractMutation,
    ConversionMutation,
    CorrespondenceMutation,
    CustomerRouteMutation,
    DailyReportMutation,
    DemandMutation,
    FileMutation,
    FollowUpMutation,
    GradingByHandMutation,
    GradingMutation,
    GradingRuleMutation,
    HandoverMutation,
    HotMutation,
    IdentityMutation,
    ImportMutation,
    InvoiceMutation,
    JobMutation,
    LeavingMutation,
    LicensingMutation,
    MeetingMutation,
    SeatChangeMutation,
    SegmentMutation,
    NoticeMutation,
    OpenIdMutation,
    PeopleMutation,
    PoolMutation,
    ProtectionMutation,
    ReportMutation,
    RuleMutation,
    ServiceMutation,
    SurveyAnswerMutation,
    SurveyMutation,
    SurveySendingMutation,
    TradeMutation,
    VerificationMutation,
    VisitMutation,
    WebhookMutation,
)
ROOTS: Mapping[str, MakeRoot] = {**WORKLIST_ROOTS}
"""Those of the queries that the engine answers."""
