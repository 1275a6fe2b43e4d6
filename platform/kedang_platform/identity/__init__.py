"""Who people are: sign-in, sessions, keys, one-time links, and who belongs to which company."""

from kedang_platform.identity.api_keys import (
    ApiKeyInfo,
    NewApiKey,
    api_keys_of,
    create_api_key,
    environment_of,
    revoke_api_key,
    rotate_api_key,
)
from kedang_platform.identity.browsers import Browser
from kedang_platform.identity.credentials import Credentials, Identified, authenticate
from kedang_platform.identity.keeping import keep_credentials
from kedang_platform.identity.passwords import Passwords, check_password
from kedang_platform.identity.recent import ReauthenticationRequired, require_recent_authentication
from kedang_platform.identity.resetting import request_password_reset, reset_password
from kedang_platform.identity.services import IdentityServices
from kedang_platform.identity.sessions import SessionInfo, cookie_name, sessions_of
from kedang_platform.identity.signing_in import (
    Challenged,
    Entered,
    SignedIn,
    complete_sign_in,
    enter_proved,
    sign_in,
    sign_out,
)

__all__ = [
    "ApiKeyInfo",
    "Browser",
    "Challenged",
    "Credentials",
    "Entered",
    "Identified",
    "IdentityServices",
    "NewApiKey",
    "Passwords",
    "ReauthenticationRequired",
    "SessionInfo",
    "SignedIn",
    "api_keys_of",
    "authenticate",
    "check_password",
    "complete_sign_in",
    "cookie_name",
    "create_api_key",
    "enter_proved",
    "environment_of",
    "keep_credentials",
    "request_password_reset",
    "require_recent_authentication",
    "reset_password",
    "revoke_api_key",
    "rotate_api_key",
    "sessions_of",
    "sign_in",
    "sign_out",
]
