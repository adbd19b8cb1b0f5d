"""The page by which a phone comes to trust this machine, written at `up`: nginx hands it out in the clear, too.

A phone opens it before it trusts anything, so it is one file without programs, in both languages. Owns its form; its
words are ``server.texts.trust``.
"""

import datetime as dt
import io
from html import escape
from typing import Final

import segno

from server.texts.trust import STEPS, WORDS, Lang

PAGE_PATH: Final = "/trust"
PAGE_NAME: Final = "trust.html"
CERTIFICATE_NAME: Final = "gridpatrol-ca.crt"
CERTIFICATE_PATH: Final = f"{PAGE_PATH}/{CERTIFICATE_NAME}"
# By this type a phone takes it for what it is, where it would only keep a file of another.
CERTIFICATE_TYPE: Final = "application/x-x509-ca-cert"
POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_STYLE: Final = """
:root { color-scheme: light dark; font: 1.125rem/1.5 system-ui, sans-serif; }
body { margin: 0 auto; padding: 1rem; max-width: 40rem; }
h1 { font-size: 1.5rem; line-height: 1.3; } h2 { font-size: 1.25rem; }
a.get { display: block; box-sizing: border-box; min-height: 60px; padding: 1rem; border-radius: 8px;
  background: #0f4c5c; color: #fff; font-weight: 600; text-align: center; }
a { color: #0f4c5c; } @media (prefers-color-scheme: dark) { a { color: #8fd3e4; } }
code { overflow-wrap: anywhere; } li { margin: .5rem 0; }
svg { display: block; width: 14rem; max-width: 100%; height: auto; background: #fff; }
section + section { margin-top: 3rem; border-top: 1px solid #7d8991; padding-top: 1rem; }
"""


def page(*, trust_url: str, url: str, fingerprint: str, ends_at: dt.datetime) -> str:
    """Return the page. ``trust_url``: its own address in the clear; ``url``: where to go once the phone trusts."""
    picture = io.BytesIO()
    segno.make(trust_url, micro=False, error="m").save(
        picture, kind="svg", xmldecl=False, svgns=True, border=4, omitsize=True
    )
    code = picture.getvalue().decode()
    sections = "".join(
        _section(lang, code=code, url=url, trust_url=trust_url, fingerprint=fingerprint, ends_at=ends_at)
        for lang in WORDS
    )
    title = escape(" · ".join(each["title"] for each in WORDS.values()))
    return (
        '<!doctype html><html lang="zh"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style><main>{sections}</main></html>\n"
    )


def _section(lang: Lang, *, code: str, url: str, trust_url: str, fingerprint: str, ends_at: dt.datetime) -> str:
    words = {name: escape(text) for name, text in WORDS[lang].items()}
    steps = "".join(
        f"<h2>{words[kind]}</h2><ol>{''.join(f'<li>{escape(each)}</li>' for each in told)}</ol>"
        for kind, told in STEPS[lang].items()
    )
    # One picture on the page: the second language says the same.
    scan = f"<p>{words['scan']} <code>{escape(trust_url)}</code></p>{code}" if lang == "zh" else ""
    return (
        f'<section lang="{lang}"><h1>{words["title"]}</h1><p>{words["why"]}</p>'
        f'<p><a class="get" href="{CERTIFICATE_PATH}">{words["get"]}</a></p>{scan}'
        f"<p>{words['print']}<br><code>{escape(fingerprint)}</code></p>{steps}"
        f'<p>{words["then"]} <a href="{escape(url)}">{escape(url)}</a></p>'
        f"<p>{words['until']} <time>{ends_at:%Y-%m-%d}</time></p></section>"
    )
