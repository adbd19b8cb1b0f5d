"""Every error a caller can meet, in one table: class -> stable type, status and words in Chinese and English.

Turns domain errors into ``application/problem+json`` (RFC 9457). Domain layers raise typed errors that
carry data; nothing but this module knows their statuses and wording. A test walks the error classes
and fails on one that is not in the table.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from flask import Flask, Response, jsonify, request
from marshmallow import ValidationError
from sqlalchemy.exc import DBAPIError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug.exceptions import HTTPException

from geo.errors import GeoError
from server.accounts.errors import AccountError
from server.attachments.errors import AttachmentError
from server.cases.errors import CaseError
from server.grids.errors import DraftError
from server.texts.imports import IMPORT_WORDS
from server.texts.problems.accounts import ACCOUNTS
from server.texts.problems.cases import CASES
from server.texts.problems.files import FILES
from server.texts.problems.ground import GROUND
from server.texts.problems.http import HTTP
from server.texts.problems.problem import Problem
from server.texts.problems.sync import SYNC
from server.texts.reasons import REASON_WORDS
from server.texts.redraw import REDRAW_WORDS
from sync.errors import MendedInvalid, SyncError, TextUnclean
from sync.wording.reasons import Lang, validation_words

log = structlog.get_logger()
PREFIX = "/problems/"


TABLE: dict[str, Problem] = {
    **SYNC,
    **ACCOUNTS,
    **CASES,
    **FILES,
    **GROUND,
    **{code: Problem(*words) for code, words in {**REDRAW_WORDS, **IMPORT_WORDS}.items()},
}


def language() -> Lang:
    """Return the language of this request: ``?lang=`` first, then Accept-Language, else Chinese."""
    # By the main language of each: a match of the whole would give "zh-CN,en,*", as Qt sends it, English.
    wanted = [request.args.get("lang", ""), *(each for each, quality in request.accept_languages if quality > 0)]
    spoken = (each.lower().partition("-")[0] for each in wanted)
    return "en" if next((each for each in spoken if each in ("zh", "en")), "zh") == "en" else "zh"


def body(code: str, entry: Problem, lang: Lang, *, detail: str | None = None, **more: Any) -> dict[str, Any]:
    """Return the problem document of one error."""
    title, advice = (entry.zh, entry.do_zh) if lang == "zh" else (entry.en, entry.do_en)
    told = (
        "。".join(part for part in (detail, advice) if part)
        if lang == "zh"
        else ". ".join(part for part in (detail, advice) if part)
    )
    document = {"type": PREFIX + code, "title": title, "status": entry.status}
    if told:
        document["detail"] = told
    return document | more


def problem(code: str, entry: Problem, *, headers: Mapping[str, str] | None = None, **more: Any) -> Response:
    """Return the answer for one error in the language of the request."""
    response = jsonify(body(code, entry, language(), **more))
    response.status_code = entry.status
    response.content_type = "application/problem+json"
    response.headers.extend(dict(headers or {}))
    response.headers["Vary"] = "Accept-Language"
    return response


def _domain(error: GeoError | SyncError | AccountError | CaseError | AttachmentError | DraftError) -> Response:
    entry = TABLE[error.code]
    headers = {"WWW-Authenticate": "Bearer"} if entry.status == HTTPStatus.UNAUTHORIZED else {}
    if "retry_after_s" in error.data:
        headers["Retry-After"] = str(error.data["retry_after_s"])
    more = error.data
    if isinstance(error, (MendedInvalid, TextUnclean)):
        more = more | {"errors": error.reason.as_json(language()).get("errors", [])}
    reason = _reason(error.code, more)
    return problem(error.code, entry, headers=headers, **more | ({"detail": reason} if reason else {}))


def _reason(code: str, data: Mapping[str, object]) -> str | None:
    """Return what the reason that an error carries says, in the language of the request; None where it has no words."""
    words = REASON_WORDS.get((code, str(data.get("reason"))))
    if words is None:
        return None
    told, colon = (words[0], "：") if language() == "zh" else (words[1], ": ")
    return f"{told}{colon}{data['detail']}" if "detail" in data else told


def _invalid(error: ValidationError) -> Response:
    code, entry = HTTP[422]
    return problem(code, entry, errors=validation_words(error.messages, language()))


def _nearest(error: HTTPException) -> int:
    """Return the status of the table that tells an HTTP error best."""
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    if status in HTTP:
        return status
    return 400 if status < HTTPStatus.INTERNAL_SERVER_ERROR else 500


def http_problem(error: HTTPException) -> Response:
    """Return the answer for an error of HTTP itself: no such address, a method that it does not take, a bad body."""
    known = _nearest(error)
    code, entry = HTTP[known]
    headers = {"Retry-After": "30"} if known == HTTPStatus.TOO_MANY_REQUESTS else None
    messages = getattr(error, "data", {}).get("messages")
    more = {"errors": validation_words(messages, language())} if messages else {}
    if error.code == HTTPStatus.METHOD_NOT_ALLOWED and getattr(error, "valid_methods", None):
        headers = {"Allow": ", ".join(sorted(error.valid_methods))}  # type: ignore[attr-defined]  # MethodNotAllowed
    if error.response is not None and error.response.status_code < HTTPStatus.BAD_REQUEST:
        return error.response  # type: ignore[return-value]  # a redirect
    return problem(code, entry, headers=headers, **more)


def _database(error: DBAPIError | PoolTimeoutError) -> Response:
    log.error("database in trouble", exc_info=error)
    code, entry = HTTP[503]
    return problem(code, entry, headers={"Retry-After": "5"})


def _unexpected(error: Exception) -> Response:
    log.error("unexpected error", exc_info=error, path=request.path)
    code, entry = HTTP[500]
    return problem(code, entry)


def init_problems(app: Flask) -> None:
    """Register the handlers; the last one answers 500 and logs."""
    app.register_error_handler(GeoError, _domain)
    app.register_error_handler(SyncError, _domain)
    app.register_error_handler(AccountError, _domain)
    app.register_error_handler(CaseError, _domain)
    app.register_error_handler(AttachmentError, _domain)
    app.register_error_handler(DraftError, _domain)
    app.register_error_handler(ValidationError, _invalid)
    app.register_error_handler(HTTPException, http_problem)
    for trouble in (OperationalError, InternalError, PoolTimeoutError):
        app.register_error_handler(trouble, _database)
    app.register_error_handler(Exception, _unexpected)
