"""Of requests that HTTP itself refuses: status -> code and words."""

from collections.abc import Mapping

from server.texts.problems.problem import Problem

_UNTAKEN = Problem(
    415,
    "不支持的内容类型",
    "This content type is not taken here",
    "请按所发内容填写 Content-Type，JSON 用 application/json",
    "Set the Content-Type to what is sent, for JSON application/json",
)
HTTP: Mapping[int, tuple[str, Problem]] = {
    400: ("bad-request", Problem(400, "请求有误", "The request is wrong")),
    401: ("sign-in-required", Problem(401, "请先登录", "Sign in first")),
    403: ("not-allowed", Problem(403, "没有权限", "You may not do this")),
    404: ("not-found", Problem(404, "找不到", "Not found")),
    405: ("method-not-allowed", Problem(405, "不支持此方法", "This method is not served here")),
    406: ("not-acceptable", Problem(406, "无法提供所要的格式", "No such representation")),
    409: ("conflict", Problem(409, "与现状冲突", "In conflict with what is there")),
    412: ("precondition-failed", Problem(412, "内容已变", "It has changed meanwhile")),
    413: (
        "too-large",
        Problem(413, "请求过大", "The request is too large", "请分批发送", "Send it in smaller parts"),
    ),
    414: (
        "address-too-long",
        Problem(414, "网址过长", "The address is too long", "请缩短查询", "Ask for less at once"),
    ),
    415: ("unsupported-media-type", _UNTAKEN),
    416: ("range-not-satisfiable", Problem(416, "没有所要的这一段", "There are no such bytes of it")),
    422: ("fields-invalid", Problem(422, "有字段不符合要求", "Some fields are not right")),
    429: ("too-many-requests", Problem(429, "请求过于频繁", "Too many requests", "请稍后再试", "Try again later")),
    431: (
        "headers-too-large",
        Problem(431, "请求头过大", "The headers are too large", "请清除 Cookie", "Clear the cookies"),
    ),
    500: ("server-error", Problem(500, "服务器出错了", "The server failed", "请稍后再试", "Try again later")),
    503: (
        "unavailable",
        Problem(503, "服务暂时不可用", "The server is in trouble", "请稍后再试", "Try again later"),
    ),
    504: (
        "answer-late",
        Problem(504, "服务器没有及时回应", "No answer came in time", "请稍后再试", "Try again later"),
    ),
}
