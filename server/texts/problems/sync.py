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
    "collection-unknown": Problem(422, "没有这个记录类型", "No such collection"),
    "not-in-charge": Problem(404, "在您负责的范围内没有此项", "Nothing of this kind is in your charge"),
    "already-decided": Problem(409, "此项已有人处理", "Somebody has decided this already", "请刷新", "Look again"),
    "mended-invalid": Problem(
        422, "改后的内容仍不符合要求", "What you mended is still not right", "按字段提示改正", "Mend the fields named"
    ),
    "becomes-public": Problem(
        409,
        "涉隐私的事件会因此公开",
        "A private issue would become public by this",
        "确认要公开时，带上 make_public 再发一次",
        "Where it shall, send it again with make_public",
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
    "outbox-error": Problem(400, "携带文件有误", "The outbox file is at fault"),
    "outbox-unreadable": Problem(
        422,
        "这不是手机导出的文件，或其版本无法识别",
        "This is no file that a phone exported, or of a form not known here",
        "请选择手机“导出未上传内容”得到的文件；若来自较新的应用，请先升级服务器",
        "Choose the file that the phone exported; where its app is newer, update the server first",
    ),
    "outbox-key-foreign": Problem(
        422,
        "该文件是为另一座城市加密的，或加密后本服务器更换过密钥",
        "The file is encrypted for another city, or for a secret that this server had before",
        "请交给手机所登记的服务器；若密钥已更换，请让手机联网后重新导出",
        "Hand it in at the server that the phone is enrolled with; where the secret was changed, have the phone export "
        "anew once it was online",
    ),
    "outbox-damaged": Problem(
        422,
        "文件不完整或被改动，未接收任何内容",
        "The file was changed or is not whole; nothing of it was taken",
        "请从手机重新复制；手机中的内容仍在",
        "Copy it from the phone again; the phone still has everything",
    ),
    "outbox-too-large": Problem(
        413,
        "文件过大",
        "The file is too large",
        "上限见 limit；请分次导出，或让手机联网上传",
        "limit says how much it may hold; export less at a time, or have the phone send it",
    ),
    "outbox-phone-unknown": Problem(
        404,
        "本市没有登记过导出该文件的手机",
        "No phone of this city made this file",
        "请核对手机登记在哪台服务器；若服务器恢复过备份，请重新登记该手机，未上传内容会保留",
        "Look where the phone is enrolled; after a restore of the server enrol the phone again, it keeps what it has",
    ),
    "outbox-phone-revoked": Problem(
        409,
        "该手机停用已久，不再接收其内容",
        "The phone was revoked too long ago; its work is no longer taken",
        "请联系管理员",
        "Ask an administrator",
    ),
}
