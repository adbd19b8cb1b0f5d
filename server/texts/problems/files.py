"""Of files that phones and staff send."""

from server.texts.problems.problem import Problem

FILES: dict[str, Problem] = {
    "attachment-error": Problem(400, "附件有误", "Something is wrong with this file"),
    "file-metadata-invalid": Problem(
        422, "附件说明缺失或有误", "The upload's metadata is not right", "改正所指的字段", "Mend the field named"
    ),
    "file-too-large": Problem(
        413, "文件过大", "The file is too large", "请压缩后再传", "Make it smaller and upload it again"
    ),
    "upload-quota-reached": Problem(
        429,
        "此设备未传完的文件过多",
        "This device has too many unfinished uploads",
        "请先传完或取消已开始的",
        "Finish or cancel some first",
    ),
    "file-id-taken": Problem(
        409, "此编号已用于另一个文件", "This id names another file", "请换一个编号", "Use another id"
    ),
    "record-not-yours": Problem(
        403, "不能为此记录添加附件", "You may not attach to this record", "请核对记录", "Check the record named"
    ),
    "unknown-upload": Problem(
        404, "没有这个上传，或不属于此人员", "No such upload of this worker", "请重新开始上传", "Begin the upload anew"
    ),
    "upload-gone": Problem(
        410, "此上传已失效", "This upload is no more", "请按所示原因处理后重新上传", "Mind the reason and begin anew"
    ),
    "upload-finished": Problem(
        409,
        "文件已传完，不能撤回",
        "The file is finished and cannot be taken back",
        "请在记录中移除",
        "Remove it from the record",
    ),
    "upload-offset-conflict": Problem(
        409,
        "续传位置不符",
        "The bytes do not begin where the upload stands",
        "请从所示位置继续",
        "Go on from the offset told",
    ),
    "upload-taken": Problem(
        423,
        "另一请求正在续传此文件",
        "Another request goes on with this upload",
        "请查询位置后再继续",
        "Ask for its offset first",
    ),
    "upload-too-much": Problem(
        413, "发送的内容超过所报长度", "More bytes than the upload was announced with", "请核对文件", "Check the file"
    ),
    "upload-interrupted": Problem(
        400, "传输中断", "The transfer broke off", "请查询位置后继续", "Ask for the offset and go on"
    ),
    "uploads-busy": Problem(
        503, "正在接收的文件过多", "Too many files are being received", "请稍后再试", "Try again soon"
    ),
    "checksum-mismatch": Problem(
        460, "内容与校验值不符", "The bytes do not match their checksum", "请重新发送", "Send them again"
    ),
    "checksum-unknown": Problem(
        400, "校验值的算法或格式不支持", "This checksum cannot be read", "请用 sha256", "Use sha256"
    ),
    "file-refused": Problem(
        422,
        "不接收此文件",
        "This file is not taken",
        "请传 JPEG、PNG、WebP、HEIC 图片、PDF，或应用里的录音",
        "Upload a JPEG, PNG, WebP or HEIC picture, a PDF, or a memo recorded in the app",
    ),
    "file-reading-late": Problem(
        503,
        "服务器繁忙，文件已完整保存，稍后自动处理",
        "The server is busy; the file is kept whole and will be looked at soon",
        "无需重传",
        "Do not send it again",
    ),
    "unknown-file": Problem(404, "找不到该文件，或不在您的职责范围内", "No such file, or none of yours"),
    "tus-version": Problem(
        412, "须使用 tus 1.0.0", "This server speaks tus 1.0.0", "请设置 Tus-Resumable", "Set Tus-Resumable"
    ),
    "tus-header-invalid": Problem(
        400, "请求头缺失或有误", "A header is missing or not right", "改正所指的请求头", "Mend the header named"
    ),
}
