"""HTTPS of this machine's own for `up --tls`: certificate, what nginx is told of it, and how phones come to trust it.

Owns where the files lie: keys in the home, what everybody may read (the page, the authority's certificate) beside the
servers' folders. The making of certificates is ``authority``'s, the page's form ``trust_page``'s.
"""

import datetime as dt
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import segno
from cryptography.hazmat.primitives.serialization import Encoding

from server.launch import authority, trust_page
from server.launch.account import Account, owned, servers_folder
from server.launch.authority import Made, Reached
from server.launch.progress import say, step
from server.launch.state import Home


@dataclass(frozen=True)
class LocalTls:
    """What `up` has made. ``env``: what nginx is told; ``trust_url``: what a phone opens first, in the clear."""

    made: Made
    env: Mapping[str, str]
    trust_url: str


def ensure(home: Home, account: Account | None, url: str, now: dt.datetime | None = None) -> LocalTls:
    """Have a certificate that is right for this machine, and the page that tells of it. ``url``: where people go."""
    folder = _keys(home)
    reached = Reached.of_this_machine(urlsplit(url).hostname or "")
    made = authority.ensure(folder, reached, now or dt.datetime.now(dt.UTC))
    if made.is_new:
        step("签发本机证书", f"made a certificate for this machine, until {made.ends_at:%Y-%m-%d}")
    public = owned(servers_folder(home, account) / "trust", None)
    trust_url = f"{url.replace('https:', 'http:', 1)}{trust_page.PAGE_PATH}"
    page = trust_page.page(trust_url=trust_url, url=url, fingerprint=made.fingerprint, ends_at=made.ends_at)
    told = {trust_page.PAGE_NAME: page.encode(), trust_page.CERTIFICATE_NAME: made.authority.public_bytes(Encoding.DER)}
    for name, content in told.items():
        (public / name).write_bytes(content)
        (public / name).chmod(0o644)
    env = {
        "PATROL_TLS_CERT": str(made.leaf),
        "PATROL_TLS_KEY": str(made.key),
        "PATROL_TRUST_FOLDER": str(public),
    }
    return LocalTls(made, env, trust_url)


def believed(home: Home) -> dict[str, str]:
    """Return the environment in which programs of ours that call this patrol believe its certificate, if it has one."""
    is_local = bool(home.read().get("addresses", {}).get("local_tls"))
    return {"REQUESTS_CA_BUNDLE": str(_keys(home) / "authority.pem")} if is_local else {}


def tell(tls: LocalTls) -> None:
    """Say how a phone comes to trust this machine."""
    if tls.made.is_new_authority:
        say("\n  新的本机证书机构：手机需重新信任 · a new local authority: phones have to be told to trust it")
    say(f"\n  手机信任本机 · have phones trust this machine: {tls.trust_url}\n  SHA-256 {tls.made.fingerprint}")
    segno.make(tls.trust_url, micro=False).terminal(out=sys.stderr, compact=True)


def _keys(home: Home) -> Path:
    return home.path / "tls"
