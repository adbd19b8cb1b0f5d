"""What the reasons of errors say to people, in Chinese and English, by (code of the error, reason).

Owns words alone; ``server.http.problems`` puts them before the advice of the error's own entry.
"""

from collections.abc import Mapping

REASON_WORDS: Mapping[tuple[str, str], tuple[str, str]] = {
    ("invalid-calendar", "unknown"): ("没有这个区域，请核对编码", "There is no such area; check the code"),
    ("invalid-calendar", "retired"): ("此区域已撤销", "This area is no more"),
    ("invalid-calendar", "below-grids"): (
        "案件按网格及其上级区域计时，不能为网格以下的区域设日历",
        "Cases are timed by grids and what these lie in: an area below them has no calendar",
    ),
    ("invalid-calendar", "other-year"): ("days 所列日期不在这一年", "The days listed lie in another year"),
    ("invalid-calendar", "empty"): ("没有任何日期", "It says nothing of any day"),
    ("invalid-calendar", "workday-on-weekday"): (
        "days 所列调休上班日本来就是周一至周五，请核对年份和日期",
        "The moved working days listed are Mondays to Fridays already; check the year and the dates",
    ),
    ("invalid-calendar", "missing-statutory"): (
        "days 所列法定节假日没有放假，文件可能不完整；请补全后再录入",
        "The statutory holidays listed are not free: a part is missing perhaps; add them and enter it again",
    ),
    ("invalid-calendar", "no-hours"): ("一周之中没有任何工作时间", "There are no working hours in the whole week"),
    ("invalid-terms", "stage"): (
        "没有这个环节，或其时限不在此设置；处置时限按类别在目录中设置",
        "There is no such stage, or its limit is not set here; that of handling is set in the catalogue, by category",
    ),
    ("invalid-terms", "value"): ("时限须为 1 至 1000 的整数", "A limit is a whole number from 1 to 1000"),
    ("invalid-terms", "unit"): ("没有这个单位", "There is no such unit"),
    ("case-step-invalid", "missing"): ("缺少必填的字段", "A field that it needs is missing"),
    ("case-step-invalid", "photo-rule"): (
        "此类案件办这一步须附现场照片（字段 photos）",
        "Cases of this category need photos of the place with this step (field photos)",
    ),
    ("case-step-invalid", "photo-unknown"): (
        "所附照片尚未传到本案件；请先传照片，再办这一步",
        "A photo that it names has not come; send the photo of this case first, then take the step",
    ),
    ("case-step-invalid", "photo-elsewhere"): (
        "所附照片属于另一条记录；请为本案件另拍照片",
        "A photo that it names is of another record; give one that was sent for this case",
    ),
    ("case-step-invalid", "not-taken"): ("这一步没有这个字段", "It takes no such field"),
    ("case-step-invalid", "choice"): ("字段的值不在可选范围内", "The value is none of the choices"),
    ("case-step-invalid", "unknown"): ("所指的步骤、单位或案件不存在", "What it names is not there"),
    ("file-refused", "type-unknown"): ("不是可接收的文件类型", "It is of a type that is not taken"),
    ("file-refused", "picture-damaged"): ("图片损坏或不完整", "The picture is damaged or not whole"),
    ("file-refused", "picture-too-large"): (
        "图片像素过多，上限见 limit_pixels；JPEG 与 HEIC 的上限高于 PNG 与 WebP",
        "The picture has too many pixels; limit_pixels says how many it may have, JPEG and HEIC more than PNG and WebP",
    ),
    ("file-refused", "sound-damaged"): ("录音损坏或不完整", "The recording is damaged or not whole"),
    ("file-refused", "not-sound-alone"): (
        "录音文件里不只有一段声音；请用应用里的录音",
        "There is more in it than one track of sound; record it in the app",
    ),
    ("file-refused", "sound-too-long"): (
        "录音太长，上限见 limit_s（秒）；请分几段录",
        "The recording is too long; limit_s says how many seconds it may have",
    ),
    ("file-refused", "sound-too-large"): (
        "录音文件太大，上限见 limit_bytes",
        "The recording is too large; limit_bytes says how large it may be",
    ),
    ("file-refused", "document-damaged"): ("PDF 损坏或没有页面", "The PDF is damaged, or has no page"),
    ("file-refused", "document-encrypted"): (
        "PDF 已加密，无法去除其中的个人信息；请去除密码后再传",
        "The PDF is encrypted, and nobody can look into it; take the password away first",
    ),
    ("file-refused", "takes-too-much"): (
        "读取此文件耗用的时间或内存过多；请缩小图片、减少 PDF 页数，或另存后再传",
        "Reading this file takes too much time or memory; make it smaller, or save it anew with fewer pages",
    ),
    ("login-unusable", "look-alike"): (
        "其中的字符（见 characters）易与别的文字混淆；一个登录名只用一种文字，中文可与拉丁字母同用",
        "Its letters (see characters) can be taken for others; keep to one script, Chinese beside Latin at most",
    ),
    ("invalid-shape", "tangled"): (
        "线条相互交叉的次数过多；请简化后再画",
        "It crosses itself or other borders too often; simplify it and draw it again",
    ),
    ("invalid-endpoint", "not-a-url"): (
        "须为 https://主机/路径 形式的完整地址，不含空白、控制字符和反斜杠",
        "It must be a whole address as https://host/path, without blanks, control characters and backslashes",
    ),
    ("invalid-endpoint", "not-a-host"): (
        "主机须为域名或通常写法的 IP 地址：不能是整数、十六进制或八进制写法，不能以点结尾或带网卡编号",
        "The host must be a name or an address as usually written: no one number, no 0x, no dot at the end, no zone",
    ),
    ("invalid-endpoint", "not-https"): ("须使用 https", "It must be https"),
    ("invalid-endpoint", "has-credentials"): (
        "地址中不能带用户名或密码；消息已有签名",
        "It must carry no user name or password; messages are signed",
    ),
    ("invalid-endpoint", "has-fragment"): ("地址中不能带 # 片段", "It must carry no #fragment"),
    ("invalid-endpoint", "address-refused"): (
        "该主机的 IP 地址不在公网上；办公内网须由管理员用 PATROL_WEBHOOK_ALLOW_PRIVATE=1 放行",
        "The host is not on the public internet; PATROL_WEBHOOK_ALLOW_PRIVATE=1 allows the office's own network",
    ),
    ("invalid-endpoint", "port-refused"): (
        "不能使用此端口；可用端口见 takes，由 PATROL_WEBHOOK_PORTS 设置",
        "This port is not used; takes names those that are, PATROL_WEBHOOK_PORTS sets them",
    ),
    ("invalid-endpoint", "not-found"): ("找不到该主机名", "The name of the host was not found"),
    ("invalid-endpoint", "not-a-secret"): (
        "密钥须为 whsec_ 加 24 至 64 字节的 base64；留空则自动生成",
        "It must be whsec_ and 24 to 64 bytes in base64; left out, one is made",
    ),
    ("invalid-endpoint", "unreadable"): (
        "服务器的密钥已更换，无法打开此密钥；请设新密钥（rotate_secret）",
        "The server's key has changed and the secret cannot be opened; make a new one (rotate_secret)",
    ),
    ("publication-refused", "repeated-code"): ("编码重复", "The code is used more than once"),
    ("publication-refused", "unknown-kind"): ("没有这个区域类别", "There is no such kind of area"),
    ("publication-refused", "other-kind"): (
        "同编码的区域属于另一类别",
        "The area of this code is of another kind, which it keeps",
    ),
    ("publication-refused", "unknown-parent"): ("上级区域不存在", "The parent does not exist"),
    ("publication-refused", "parent-not-above"): ("上级的层级不比它高", "The parent is not of a higher kind"),
    ("publication-refused", "before-the-last"): ("上一版本的生效时间更晚", "The last edition begins later"),
    ("publication-refused", "not-in-force"): ("现行版本里没有此区域", "It is in no edition in force"),
    ("publication-refused", "has-children"): ("还有下级区域留在它下面", "Areas below it would stay"),
    ("publication-refused", "no-parent"): (
        "没有上级区域：请填写上级编码，否则它不属于本市",
        "It has no parent: name the area that it lies in, or it would be no part of the city",
    ),
    ("publication-refused", "nothing-left"): ("这样就没有任何区域了", "No area at all would be left"),
    ("area-name-invalid", "name-blank"): ("名称是空白", "The name is blank"),
    ("area-name-invalid", "name-too-long"): ("名称超过 200 字", "The name has more than 200 characters"),
    ("area-name-invalid", "name-control-character"): (
        "名称含有控制字符或换行",
        "The name holds a control character or a line break",
    ),
    ("area-name-invalid", "name-direction-mark"): (
        "名称含有改变文字方向的不可见字符",
        "The name holds an invisible mark that turns the direction of text",
    ),
    ("invalid-rule", "retired"): ("此区域已撤销", "This area is no more"),
    ("invalid-rule", "category-retired"): ("此类别已停用", "This category is no longer in force"),
    ("invalid-rule", "below-grids"): (
        "此区域在网格之下，派遣只看网格及其上级",
        "This area lies below the grids; issues are routed by grids and what these lie in",
    ),
    ("invalid-rule", "unknown"): ("没有这个编码", "There is no such code"),
    ("invalid-rule", "lead-assists"): ("主办单位不能同时协办", "The lead cannot assist too"),
}
