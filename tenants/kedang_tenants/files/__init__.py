"""Files that people send and the product makes; imports, exports and attachments all use them."""

from kedang_tenants.files.operations import (
    AttachedTo,
    FileAlreadyStored,
    FileContent,
    SignedLink,
    complete_upload,
    ensure_awaited,
    keep_file,
    open_download,
    plain_name,
    prepare_upload,
    stored_content,
    visible_content,
)

__all__ = [
    "AttachedTo",
    "FileAlreadyStored",
    "FileContent",
    "SignedLink",
    "complete_upload",
    "ensure_awaited",
    "keep_file",
    "open_download",
    "plain_name",
    "prepare_upload",
    "stored_content",
    "visible_content",
]
