"""Of people, sign-in, roles and what they may."""

from server.texts.problems.problem import Problem

ACCOUNTS: dict[str, Problem] = {
    "account-error": Problem(400, "账号有误", "Something is wrong with this account"),
    "sign-in-refused": Problem(
        401, "登录名或密码不对", "Login or password is wrong", "请检查后再试", "Check both and try again"
    ),
    "sign-in-required": Problem(401, "请先登录", "Sign in first"),
    "csrf-token-wrong": Problem(
        403, "页面令牌无效", "The page's token is not right", "请刷新页面再试", "Load the page again and retry"
    ),
    "role-missing": Problem(
        403, "您的角色不能做此操作", "Your role does not allow this", "请联系管理员", "Ask an administrator"
    ),
    "outside-charge": Problem(404, "找不到，或不在您的所辖范围内", "Not found, or not in your charge"),
    "works-elsewhere": Problem(
        409,
        "该工作人员还在您所辖范围之外工作",
        "This worker works outside your charge, too",
        "请由负责其全部区域的上级发码",
        "Have somebody make the code who is in charge of all their areas",
    ),
    "office-elsewhere": Problem(
        409,
        "该工作人员还在您所辖范围之外任职；手机会带上交给本人的全部事项，并以其名义上报",
        "This worker also holds an office outside your charge; a phone brings all that is given to them, in their name",
        "请由负责其全部区域的上级发码，或由系统运维用 ./patrol enrol 发码",
        "Have somebody make the code who is in charge of all their areas, or the operator with ./patrol enrol",
    ),
    "unknown-role": Problem(422, "没有这个角色", "There is no such role"),
    "unknown-area": Problem(422, "没有这个区域编码", "No area has this code", "请核对编码", "Check the code"),
    "password-too-short": Problem(422, "密码太短", "The password is too short", "请加长", "Take a longer one"),
    "password-blank": Problem(
        422,
        "密码不能只有空白",
        "A password cannot be blanks alone",
        "请用字母、数字或符号",
        "Use letters, digits or signs",
    ),
    "too-many-app-passwords": Problem(
        409, "应用密码已达上限", "You hold as many passwords as there may be", "请先停用一个", "Revoke one first"
    ),
    "login-unusable": Problem(
        422,
        "此登录名不能使用",
        "This login cannot be used",
        "请用字母、数字和 . _ - @ +，以字母或数字开头",
        "Take letters, digits and . _ - @ +, beginning with a letter or digit",
    ),
    "login-taken": Problem(
        409,
        "已有此登录名",
        "Somebody has this login",
        "另取一个，或为此账号添加角色",
        "Take another, or give that account a further role",
    ),
    "name-unusable": Problem(
        422, "姓名不能使用", "This name cannot be used", "请填写可见的文字", "Write what can be seen"
    ),
    "role-not-held": Problem(
        404, "此人没有这个角色", "The person does not hold this role", "请核对角色与区域", "Check role and area"
    ),
    "beyond-authority": Problem(
        403, "超出您的权限范围", "This reaches beyond your own rights", "请联系上级管理员", "Ask an administrator above"
    ),
    "last-administrator": Problem(
        409,
        "这是最后一名全域管理员",
        "This is the last administrator of the whole city",
        "请先指定另一名",
        "Make another one first",
    ),
    "current-password-wrong": Problem(
        422, "当前密码不对", "The present password is wrong", "请检查后再试", "Check it and try again"
    ),
    "too-many-attempts": Problem(
        429,
        "错误尝试过多",
        "Too many wrong attempts",
        "请稍后再试，或请管理员重设密码",
        "Wait, or ask an administrator",
    ),
}
