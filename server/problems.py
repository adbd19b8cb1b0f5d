"""Every error a caller can meet, in one table: class -> stable type, status and words in Chinese and English.

Turns domain errors into ``application/problem+json`` (RFC 9457). Domain layers raise typed errors that
carry data; nothing but this module knows their statuses and wording. A test walks the error classes
and fails on one that is not in the table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
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
from server.import_words import IMPORT_WORDS
from server.redraw_words import REDRAW_WORDS
from sync.errors import MendedInvalid, SyncError
from sync.wording import Lang, validation_words

log = structlog.get_logger()
PREFIX = "/problems/"


@dataclass(frozen=True, slots=True)
class Entry:
    """How one sort of error is told: status, titles, and what to do about it."""

    status: int
    zh: str
    en: str
    do_zh: str = ""
    do_en: str = ""


HTTP: Mapping[int, tuple[str, Entry]] = {
    400: ("bad-request", Entry(400, "请求有误", "The request is wrong")),
    401: ("sign-in-required", Entry(401, "请先登录", "Sign in first")),
    403: ("not-allowed", Entry(403, "没有权限", "You may not do this")),
    404: ("not-found", Entry(404, "找不到", "Not found")),
    405: ("method-not-allowed", Entry(405, "不支持此方法", "This method is not served here")),
    406: ("not-acceptable", Entry(406, "无法提供所要的格式", "No such representation")),
    409: ("conflict", Entry(409, "与现状冲突", "In conflict with what is there")),
    412: ("precondition-failed", Entry(412, "内容已变", "It has changed meanwhile")),
    413: ("too-large", Entry(413, "请求过大", "The request is too large", "请分批发送", "Send it in smaller parts")),
    415: ("unsupported-media-type", Entry(415, "不支持的内容类型", "This content type is not taken here")),
    416: ("range-not-satisfiable", Entry(416, "没有所要的这一段", "There are no such bytes of it")),
    422: ("fields-invalid", Entry(422, "有字段不符合要求", "Some fields are not right")),
    429: ("too-many-requests", Entry(429, "请求过于频繁", "Too many requests", "请稍后再试", "Try again later")),
    500: ("server-error", Entry(500, "服务器出错了", "The server failed", "请稍后再试", "Try again later")),
    503: ("unavailable", Entry(503, "服务暂时不可用", "The server is in trouble", "请稍后再试", "Try again later")),
}

TABLE: dict[str, Entry] = {
    # sync
    "sync-error": Entry(400, "同步有误", "Sync failed"),
    "malformed-json": Entry(
        400, "内容不是有效的 JSON", "The body is not valid JSON", "检查后重发", "Mend it and send again"
    ),
    "envelope-invalid": Entry(
        400, "批次格式不对", "The batch is not of the right shape", "按字段提示改正", "Mend the field named"
    ),
    "body-too-large": Entry(413, "批次过大", "The batch is too large", "请分批发送", "Send it in smaller batches"),
    "encoding-unknown": Entry(
        415, "不支持的压缩方式", "This Content-Encoding is not taken", "请用 gzip 或 zstd", "Use gzip or zstd"
    ),
    "encoding-damaged": Entry(400, "压缩内容已损坏", "The compressed body is damaged", "请重新发送", "Send it again"),
    "token-missing": Entry(401, "缺少设备令牌", "No device token", "请先登记设备", "Enrol the device first"),
    "token-unknown": Entry(
        401, "设备令牌无效", "This device token is not known", "请重新登记设备", "Enrol the device again"
    ),
    "device-revoked": Entry(401, "此设备已停用", "This device was revoked", "请联系主管", "Ask your supervisor"),
    "code-unknown": Entry(
        404, "登记码无效", "This enrolment code is not known", "请核对或重新领取", "Check it or ask for a new one"
    ),
    "code-used": Entry(409, "登记码已用过", "This enrolment code was used", "请重新领取", "Ask for a new one"),
    "code-expired": Entry(410, "登记码已过期", "This enrolment code has expired", "请重新领取", "Ask for a new one"),
    "cursor-invalid": Entry(
        400, "游标无效", "The cursor is not one of ours", "请不带游标重新拉取", "Pull anew with no cursor"
    ),
    "resync": Entry(
        410, "需要重新同步", "Pull anew from no cursor", "未上传的内容请保留", "Keep what you have not pushed"
    ),
    "app-too-old": Entry(426, "应用版本过旧", "This app is too old to pull", "请升级应用", "Update the app"),
    "collection-unknown": Entry(422, "没有这个集合", "No such collection"),
    "not-in-charge": Entry(404, "在您负责的范围内没有此项", "Nothing of this kind is in your charge"),
    "already-decided": Entry(409, "此项已有人处理", "Somebody has decided this already", "请刷新", "Look again"),
    "mended-invalid": Entry(
        422, "改后的内容仍不符合要求", "What you mended is still not right", "按字段提示改正", "Mend the fields named"
    ),
    "no-edition": Entry(
        503, "尚未发布网格", "No grids are published yet", "请先导入并发布边界", "Import and publish boundaries first"
    ),
    # accounts
    "account-error": Entry(400, "账号有误", "Something is wrong with this account"),
    "sign-in-refused": Entry(
        401, "登录名或密码不对", "Login or password is wrong", "请检查后再试", "Check both and try again"
    ),
    "sign-in-required": Entry(401, "请先登录", "Sign in first"),
    "csrf-token-wrong": Entry(
        403, "页面令牌无效", "The page's token is not right", "请刷新页面再试", "Load the page again and retry"
    ),
    "role-missing": Entry(
        403, "您的角色不能做此操作", "Your role does not allow this", "请联系管理员", "Ask an administrator"
    ),
    "outside-charge": Entry(404, "找不到，或不在您的所辖范围内", "Not found, or not in your charge"),
    "unknown-role": Entry(422, "没有这个角色", "There is no such role"),
    "unknown-area": Entry(422, "没有这个区域代码", "No area has this code", "请核对代码", "Check the code"),
    "password-too-short": Entry(422, "密码太短", "The password is too short", "请加长", "Take a longer one"),
    "too-many-app-passwords": Entry(
        409, "应用密码已达上限", "You hold as many passwords as there may be", "请先停用一个", "Revoke one first"
    ),
    # cases
    "case-error": Entry(400, "案件有误", "Something is wrong with this case"),
    "invalid-working-hours": Entry(
        422,
        "工作时间写法不对",
        "These are no working hours",
        "例如 08:30-12:00,14:00-17:30",
        "As in 08:30-12:00,14:00-17:30",
    ),
    "invalid-catalogue": Entry(
        422, "类别目录有误", "The catalogue is wrong", "改正所指的类别", "Mend the category named"
    ),
    "invalid-rule": Entry(422, "规则有误", "The rule is not right", "改正所指的字段", "Mend the field named"),
    "rule-tie": Entry(
        409,
        "与另一条规则适用于完全相同的案件",
        "Another rule speaks of exactly the same cases",
        "请先停用那一条，或让其中一条更具体",
        "Retire the other one first, or make one of them more specific",
    ),
    "invalid-endpoint": Entry(
        422, "推送地址或密钥不可用", "Webhooks cannot be sent with this", "改正所指的字段", "Mend the field named"
    ),
    "no-endpoint": Entry(404, "该单位没有推送地址", "This organisation takes no webhooks"),
    "no-default-desk": Entry(
        503, "尚未装入类别目录", "The catalogue has not been loaded", "请联系管理员", "Ask an administrator"
    ),
    "unknown-case": Entry(404, "找不到该案件，或不在您的职责范围内", "No such case, or none of yours"),
    "unknown-rule": Entry(404, "没有这条规则，或已停用", "There is no such rule in force"),
    "unknown-organisation": Entry(404, "没有这个单位", "There is no such organisation", "请核对代码", "Check the code"),
    "unknown-delivery": Entry(404, "没有这条送达记录", "There is no such delivery"),
    "delivery-not-retryable": Entry(
        409, "此送达无需重试", "This delivery needs no retry", "请刷新查看其现状", "Look at its state again"
    ),
    # attachments
    "attachment-error": Entry(400, "附件有误", "Something is wrong with this file"),
    "file-metadata-invalid": Entry(
        422, "附件说明缺失或有误", "The upload's metadata is not right", "改正所指的字段", "Mend the field named"
    ),
    "file-too-large": Entry(
        413, "文件过大", "The file is too large", "请压缩后再传", "Make it smaller and upload it again"
    ),
    "upload-quota-reached": Entry(
        429,
        "此设备未传完的文件过多",
        "This device has too many unfinished uploads",
        "请先传完或取消已开始的",
        "Finish or cancel some first",
    ),
    "file-id-taken": Entry(
        409, "此编号已用于另一个文件", "This id names another file", "请换一个编号", "Use another id"
    ),
    "record-not-yours": Entry(
        403, "不能为此记录添加附件", "You may not attach to this record", "请核对记录", "Check the record named"
    ),
    "unknown-upload": Entry(
        404, "没有这个上传，或不属于此设备", "No such upload of this device", "请重新开始上传", "Begin the upload anew"
    ),
    "upload-gone": Entry(
        410, "此上传已失效", "This upload is no more", "请按所示原因处理后重新上传", "Mind the reason and begin anew"
    ),
    "upload-finished": Entry(
        409,
        "文件已传完，不能撤回",
        "The file is finished and cannot be taken back",
        "请在记录中移除",
        "Remove it from the record",
    ),
    "upload-offset-conflict": Entry(
        409,
        "续传位置不符",
        "The bytes do not begin where the upload stands",
        "请从所示位置继续",
        "Go on from the offset told",
    ),
    "upload-taken": Entry(
        423,
        "另一请求正在续传此文件",
        "Another request goes on with this upload",
        "请查询位置后再继续",
        "Ask for its offset first",
    ),
    "upload-too-much": Entry(
        413, "发送的内容超过所报长度", "More bytes than the upload was announced with", "请核对文件", "Check the file"
    ),
    "upload-interrupted": Entry(
        400, "传输中断", "The transfer broke off", "请查询位置后继续", "Ask for the offset and go on"
    ),
    "uploads-busy": Entry(
        503, "正在接收的文件过多", "Too many files are being received", "请稍后再试", "Try again soon"
    ),
    "checksum-mismatch": Entry(
        460, "内容与校验值不符", "The bytes do not match their checksum", "请重新发送", "Send them again"
    ),
    "checksum-unknown": Entry(
        400, "校验值的算法或格式不支持", "This checksum cannot be read", "请用 sha256", "Use sha256"
    ),
    "file-refused": Entry(
        422,
        "不接收此文件",
        "This file is not taken",
        "请传 JPEG、PNG、WebP、HEIC 图片或 PDF",
        "Upload a JPEG, PNG, WebP or HEIC picture, or a PDF",
    ),
    "unknown-file": Entry(404, "找不到该文件，或不在您的职责范围内", "No such file, or none of yours"),
    "tus-version": Entry(
        412, "须使用 tus 1.0.0", "This server speaks tus 1.0.0", "请设置 Tus-Resumable", "Set Tus-Resumable"
    ),
    "tus-header-invalid": Entry(
        400, "请求头缺失或有误", "A header is missing or not right", "改正所指的请求头", "Mend the header named"
    ),
    # geo
    "geo-error": Entry(422, "地理数据有误", "The geometry is wrong"),
    "invalid-coordinate": Entry(422, "坐标有误", "This coordinate is no place on earth"),
    "unknown-datum": Entry(422, "坐标系未知", "This datum is not known"),
    "invalid-shape": Entry(
        422, "图形有误", "This geometry is not right", "在图上该处改正", "Mend it at the place named"
    ),
    "invalid-coverage": Entry(422, "边界不成一体", "These polygons are no coverage"),
    "unknown-crs": Entry(
        422, "坐标参照系未知", "The reference system is not known", "用 --crs 指定", "Name it with --crs"
    ),
    "crs-needs-parameters": Entry(
        422,
        "该坐标系需要转换参数",
        "This reference system needs parameters",
        "请先转为 CGCS2000",
        "Convert to CGCS2000 first",
    ),
    "crs-contradicted": Entry(422, "坐标与所称坐标系不符", "The coordinates contradict the reference system"),
    "unsupported-file": Entry(422, "无法读取此文件", "This file cannot be read"),
    "unknown-field": Entry(422, "文件里没有这个字段", "The file has no such field"),
    "invalid-question": Entry(
        400, "查询参数有误", "A parameter of this question is wrong", "改正所指的参数", "Mend the parameter named"
    ),
    "publication-refused": Entry(
        422, "此区域不能发布", "This area cannot be published", "在数据中改正该区域", "Mend the area named"
    ),
    "base-superseded": Entry(
        409,
        "所依据的版本已被新版取代",
        "Another edition came into force since",
        "请在现行版本上重做",
        "Draw it anew over the edition in force",
    ),
    "set-time-refused": Entry(
        422,
        "此时间不能发布",
        "Nothing can be published at this time",
        "请改为一年内的将来时间",
        "Set a time in the next year",
    ),
    "unknown-edition": Entry(404, "没有这一版", "There is no such edition", "请核对版本号", "Check the number"),
    "no-such-area": Entry(404, "没有这个区域", "There is no such area", "请核对代码", "Check the code"),
    "no-such-plan": Entry(
        404, "没有待发布的这一计划", "No such plan waits", "可能已发布或撤回", "It was published or withdrawn perhaps"
    ),
    "broken-coverage": Entry(
        422,
        "网格之间有重叠或缝隙",
        "The grids overlap or gape",
        "在列出的位置改正边界",
        "Mend the borders at the places named",
    ),
    # what drafts and imports may meet
    **{code: Entry(*words) for code, words in {**REDRAW_WORDS, **IMPORT_WORDS}.items()},
}


def language() -> Lang:
    """Return the language of this request: ``?lang=`` first, then Accept-Language, else Chinese."""
    # By the main language of each: a match of the whole would give "zh-CN,en,*", as Qt sends it, English.
    wanted = [request.args.get("lang", ""), *(each for each, quality in request.accept_languages if quality > 0)]
    spoken = (each.lower().partition("-")[0] for each in wanted)
    return "en" if next((each for each in spoken if each in ("zh", "en")), "zh") == "en" else "zh"


def body(code: str, entry: Entry, lang: Lang, *, detail: str | None = None, **more: Any) -> dict[str, Any]:
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


def problem(code: str, entry: Entry, *, headers: Mapping[str, str] | None = None, **more: Any) -> Response:
    """Return the answer for one error in the language of the request."""
    response = jsonify(body(code, entry, language(), **more))
    response.status_code = entry.status
    response.content_type = "application/problem+json"
    response.headers.extend(dict(headers or {}))
    response.headers["Vary"] = "Accept-Language"
    return response


def _domain(error: GeoError | SyncError | AccountError | CaseError | AttachmentError | DraftError) -> Response:
    entry = TABLE[error.code]
    headers = {"WWW-Authenticate": "Bearer"} if entry.status == HTTPStatus.UNAUTHORIZED else None
    more = error.data
    if isinstance(error, MendedInvalid):
        more = more | {"errors": error.reason.as_json(language()).get("errors", [])}
    return problem(error.code, entry, headers=headers, **more)


def _invalid(error: ValidationError) -> Response:
    code, entry = HTTP[422]
    return problem(code, entry, errors=validation_words(error.messages, language()))


def _nearest(error: HTTPException) -> int:
    """Return the status of the table that tells an HTTP error best."""
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    if status in HTTP:
        return status
    return 400 if status < HTTPStatus.INTERNAL_SERVER_ERROR else 500


def _http(error: HTTPException) -> Response:
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
    app.register_error_handler(HTTPException, _http)
    for trouble in (OperationalError, InternalError, PoolTimeoutError):
        app.register_error_handler(trouble, _database)
    app.register_error_handler(Exception, _unexpected)
