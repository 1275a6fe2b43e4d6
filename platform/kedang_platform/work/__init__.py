"""Work done later: written with the change that asks for it, run once, never lost."""

from kedang_platform.work.handlers import JobHandler, Registry, handler, recurring
from kedang_platform.work.jobs import (
    JSON,
    JobStatus,
    NewJob,
    Progress,
    asking_for,
    enqueue,
    job_status,
    request_cancel,
)
from kedang_platform.work.running import JobCancelled, JobInterrupted, JobLost, JobPutOff, RunningJob
from kedang_platform.work.services import Services

__all__ = [
    "JSON",
    "JobCancelled",
    "JobHandler",
    "JobInterrupted",
    "JobLost",
    "JobPutOff",
    "JobStatus",
    "NewJob",
    "Progress",
    "Registry",
    "RunningJob",
    "Services",
    "asking_for",
    "enqueue",
    "handler",
    "job_status",
    "recurring",
    "request_cancel",
]
