"""What the page says by which a phone comes to trust this machine, in Chinese and English. Owns words alone."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

Lang = Literal["zh", "en"]

WORDS: Final[Mapping[Lang, Mapping[str, str]]] = {
    "zh": {
        "title": "让手机信任巡格",
        "why": "安装本机的证书后，手机才能用定位、相机和离线。证书只对局域网内的地址有效，不会让手机信任其他网站。",
        "get": "下载证书",
        "scan": "或用手机扫码打开本页",
        "print": "安装前请核对证书指纹（SHA-256），应与电脑上显示的一致：",
        "android": "安卓手机",
        "ios": "苹果手机",
        "then": "装好后打开",
        "until": "证书有效至",
    },
    "en": {
        "title": "Have a phone trust GridPatrol",
        "why": "With this machine's certificate a phone may use place, camera and offline. The certificate counts for "
        "addresses of local networks alone: the phone trusts no other site by it.",
        "get": "Get the certificate",
        "scan": "or scan this page with the phone",
        "print": "Compare its fingerprint (SHA-256) with the one shown at the computer before you install it:",
        "android": "Android",
        "ios": "iPhone and iPad",
        "then": "Once it is installed, open",
        "until": "The certificate lasts until",
    },
}
STEPS: Final[Mapping[Lang, Mapping[str, Sequence[str]]]] = {
    "zh": {
        "android": (
            "点“下载证书”，保存文件。",
            "打开“设置”，搜索“CA 证书”（多在“安全”“更多安全设置”“加密与凭据”“从存储设备安装”中）。",
            "选“CA 证书”，确认提示，选中刚下载的 gridpatrol-ca.crt。",
            "关闭浏览器再打开。",
        ),
        "ios": (
            "用 Safari 点“下载证书”，允许下载描述文件。",
            "打开“设置”，点“已下载描述文件”，再点“安装”。",
            "打开“设置”“通用”“关于本机”“证书信任设置”，打开 GridPatrol 的开关。",
        ),
    },
    "en": {
        "android": (
            "Press “Get the certificate” and keep the file.",
            "Open Settings and search for “CA certificate” (Security, Encryption & credentials, Install from storage).",
            "Choose “CA certificate”, confirm the warning, and pick gridpatrol-ca.crt.",
            "Close the browser and open it again.",
        ),
        "ios": (
            "In Safari press “Get the certificate” and allow the profile to be downloaded.",
            "Open Settings, press “Profile Downloaded”, then Install.",
            "Open Settings, General, About, Certificate Trust Settings, and switch GridPatrol on.",
        ),
    },
}
