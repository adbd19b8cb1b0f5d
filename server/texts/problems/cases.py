"""Of issues, rules, bodies, deliveries and calendars."""

from server.texts.problems.problem import Problem

CASES: dict[str, Problem] = {
    "case-error": Problem(400, "案件有误", "Something is wrong with this case"),
    "invalid-working-hours": Problem(
        422,
        "工作时间写法不对",
        "These are no working hours",
        "例如 08:30-12:00,14:00-17:30",
        "As in 08:30-12:00,14:00-17:30",
    ),
    "invalid-calendar": Problem(
        422, "工作日历有误", "The calendar is not right", "改正所指的字段", "Mend the field named"
    ),
    "invalid-calendar-file": Problem(
        422,
        "日历文件有误",
        "The file of days cannot be taken",
        "按 faults 所列的行逐一改正后重新导入；表头为 date,kind,name",
        "Mend the lines that faults lists and send it again; its header is date,kind,name",
    ),
    "calendar-superseded": Problem(
        409,
        "此日历刚被他人更新",
        "Somebody entered another edition of this calendar meanwhile",
        "请重新试算，再决定是否录入",
        "Look again at what would move, and enter it then",
    ),
    "terms-superseded": Problem(
        409,
        "环节时限刚被他人更改",
        "Somebody set limits of stages meanwhile",
        "请重新试算，再决定是否更改",
        "Look again at what would move, and set them then",
    ),
    "unknown-calendar": Problem(404, "没有这一版日历", "There is no such edition of the calendar"),
    "invalid-terms": Problem(
        422, "时限设置有误", "The limit of a stage is not right", "改正所指的环节", "Mend the stage named"
    ),
    "invalid-catalogue": Problem(
        422, "类别目录有误", "The catalogue is wrong", "改正所指的类别", "Mend the category named"
    ),
    "invalid-catalogue-file": Problem(
        422,
        "类别目录有误，未作任何改动",
        "The catalogue cannot be taken; nothing was changed",
        "按 faults 所列的表、行、列逐一改正后重试",
        "Mend the sheets, rows and columns that faults lists and try again",
    ),
    "cases-become-public": Problem(
        409,
        "涉隐私的案件会因此公开",
        "Private cases would become public by this",
        "确认要公开时，带上 make_public 再发一次；有几件见 cases",
        "Where they shall, send it again with make_public; cases says how many",
    ),
    "unknown-category": Problem(404, "没有这个类别", "There is no such category", "请核对编码", "Check the code"),
    "invalid-rule": Problem(422, "规则有误", "The rule is not right", "改正所指的字段", "Mend the field named"),
    "rule-tie": Problem(
        409,
        "与另一条规则适用于完全相同的案件",
        "Another rule speaks of exactly the same cases",
        "请先停用那一条，或让其中一条更具体",
        "Retire the other one first, or make one of them more specific",
    ),
    "invalid-endpoint": Problem(
        422, "推送地址或密钥不可用", "Webhooks cannot be sent with this", "改正所指的字段", "Mend the field named"
    ),
    "no-endpoint": Problem(404, "该单位没有推送地址", "This organisation takes no webhooks"),
    "no-default-desk": Problem(
        503, "尚未装入类别目录", "The catalogue has not been loaded", "请联系管理员", "Ask an administrator"
    ),
    "unknown-case": Problem(404, "找不到该案件，或不在您的职责范围内", "No such case, or none of yours"),
    "case-step-illegal": Problem(
        409,
        "案件现在的状态不能做这一步",
        "The case does not allow this step as it stands",
        "请看 happened 中已发生的事和 possible 中现在可做的步骤",
        "See what happened, and which steps are possible now",
    ),
    "case-step-refused": Problem(
        403, "您不能对此案件做这一步", "You may not take this step", "可由 who 所列人员办理", "Those named may"
    ),
    "case-step-invalid": Problem(
        422, "这一步的内容有误", "This step is not right as it was given", "改正所指的字段", "Mend the field named"
    ),
    "case-step-id-reused": Problem(
        409, "此编号已用于另一步", "Another step was taken under this id", "请用新的编号", "Use a new id"
    ),
    "callback-refused": Problem(
        401,
        "签名无效或已过时",
        "The signature is not right, or not of now",
        "请按 Standard Webhooks 用推送密钥签名，并核对时钟",
        "Sign with the secret of your endpoint as Standard Webhooks has it, and check the clock",
    ),
    "callback-id-reused": Problem(
        409,
        "此 webhook-id 已用于另一次回调",
        "Another call was answered under this webhook-id",
        "请用新的 webhook-id；重发须与原文完全相同",
        "Use a new webhook-id; what is sent again must be the same to the byte",
    ),
    "unknown-rule": Problem(404, "没有这条规则，或已停用", "There is no such rule in force"),
    "unknown-organisation": Problem(
        404, "没有这个单位", "There is no such organisation", "请核对编码", "Check the code"
    ),
    "body-in-use": Problem(
        409,
        "该单位还有未结案件，或仍有规则、类别派给它，不能停用",
        "This body has open cases, or rules and categories still give it some: it cannot be retired",
        "请先改派这些案件，并修改这些规则和类别，再停用",
        "Dispatch these cases to others, and change these rules and categories; then retire it",
    ),
    "unknown-delivery": Problem(404, "没有这条送达记录", "There is no such delivery"),
    "delivery-not-retryable": Problem(
        409, "此送达无需重试", "This delivery needs no retry", "请刷新查看其现状", "Look at its state again"
    ),
}
