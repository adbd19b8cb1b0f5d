"""Of what phones send and pull, and of what waits for staff."""

from server.texts.problems.problem import Problem

SYNC: dict[str, Problem] = {
    "sync-error": Problem(400, "同步有误", "Sync failed"),
    "malformed-json": Problem(
        400, "内容不是有效的 JSON", "The body is not valid JSON", "检查后重发", "Mend it and send again"
    ),
    "nested-too-deep": Problem(
        400,
        "JSON 嵌套过深",
        "The JSON nests too deep",
        "层数上限见 limit；请减少对象和数组的嵌套后重发",
        "limit says how many levels it may have; send fewer objects and lists within one another",
    ),
    "envelope-invalid": Problem(
        400, "批次格式不对", "The batch is not of the right shape", "按字段提示改正", "Mend the field named"
    ),
    "body-too-large": Problem(413, "批次过大", "The batch is too large", "请分批发送", "Send it in smaller batches"),
    "encoding-unknown": Problem(
        415, "不支持的压缩方式", "This Content-Encoding is not taken", "请用 gzip 或 zstd", "Use gzip or zstd"
    ),
    "encoding-damaged": Problem(400, "压缩内容已损坏", "The compressed body is damaged", "请重新发送", "Send it again"),
    "token-missing": Problem(401, "缺少设备令牌", "No device token", "请先登记设备", "Enrol the device first"),
    "token-unknown": Problem(
        401, "设备令牌无效", "This device token is not known", "请重新登记设备", "Enrol the device again"
    ),
    "device-revoked": Problem(401, "此设备已停用", "This device was revoked", "请联系主管", "Ask your supervisor"),
    "code-unknown": Problem(
        404, "登记码无效", "This enrolment code is not known", "请核对或重新领取", "Check it or ask for a new one"
    ),
    "code-used": Problem(409, "登记码已用过", "This enrolment code was used", "请重新领取", "Ask for a new one"),
    "code-expired": Problem(410, "登记码已过期", "This enrolment code has expired", "请重新领取", "Ask for a new one"),
    "code-void": Problem(
        410,
        "发码的人已不再负责该工作人员",
        "Whoever made this code is no longer in charge of its worker",
        "请向现任负责人重新领取",
        "Ask those in charge now for a new one",
    ),
    "cursor-invalid": Problem(
        400, "游标无效", "The cursor is not one of ours", "请不带游标重新拉取", "Pull anew with no cursor"
    ),
    "resync": Problem(
        410, "需要重新同步", "Pull anew from no cursor", "未上传的内容请保留", "Keep what you have not pushed"
    ),
    "app-too-old": Problem(426, "应用版本过旧", "This app is too old to pull", "请升级应用", "Update the app"),
    "collection-unknown": Problem(422, "没有这个集合", "No such collection"),
    "not-in-charge": Problem(404, "在您负责的范围内没有此项", "Nothing of this kind is in your charge"),
    "already-decided": Problem(409, "此项已有人处理", "Somebody has decided this already", "请刷新", "Look again"),
    "mended-invalid": Problem(
        422, "改后的内容仍不符合要求", "What you mended is still not right", "按字段提示改正", "Mend the fields named"
    ),
    "text-unclean": Problem(
        422,
        "内容中有不能使用的字符或数值",
        "A text or number cannot be taken as it is",
        "请在所指字段重新输入",
        "Type the field named anew",
    ),
    "no-edition": Problem(
        503, "尚未发布网格", "No grids are published yet", "请先导入并发布边界", "Import and publish boundaries first"
    ),
}
