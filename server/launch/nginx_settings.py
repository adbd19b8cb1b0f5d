"""The configuration of nginx, which stands in front of everything: deadlines, sizes, rates, addresses, pages, streams.

Owns what of a request ends at the front, and with which words. Slow and hostile callers meet nginx alone: what comes
through has a whole head, and, but for uploads, a whole body. Run as a program it writes the configuration for the
containers and becomes nginx. Knows neither processes nor the folders of a patrol.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from server.config import Config
from server.launch import trust_page

MIB: Final = 1024 * 1024
# The application's own bound of a body is told by the application, with the figure: the front's is just above.
ROOM_BYTES: Final = 64 * 1024
TYPES: Final[Mapping[str, str]] = {
    "text/html": "html",
    "text/css": "css",
    "text/plain": "txt",
    "text/javascript": "js mjs",
    "application/json": "json map",
    "application/manifest+json": "webmanifest",
    "application/wasm": "wasm",
    "application/x-protobuf": "pbf",
    "image/svg+xml": "svg",
    "image/png": "png",
    "image/jpeg": "jpg jpeg",
    "image/x-icon": "ico",
    "font/woff2": "woff2",
}
# nginx's word for plain HTTP at the port of TLS.
_PLAIN_AT_TLS: Final = 497
# nginx's own statuses, and the one that is answered instead: whoever stands behind it is nobody's business.
ANSWERED_AS: Final[Mapping[int, int]] = {
    **{status: status for status in (400, 403, 404, 405, 413, 414, 416, 429, 500, 503, 504)},
    494: 431,
    # A transfer coding or a version of HTTP that nobody here speaks.
    **dict.fromkeys((501, 505), 400),
    _PLAIN_AT_TLS: 400,
    502: 503,
}
PROBLEM_AT: Final = "/.problem"
RETRY_AFTER_S: Final[Mapping[int, int]] = {429: 30, 503: 2, 504: 5}


@dataclass(frozen=True)
class Front:
    """What nginx is to do. ``listen``: HOST:PORT; ``behind``: the application's sockets, ``unix:/path`` or HOST:PORT.

    ``folder``: where it may write, ``dist`` where the built pages lie, ``user`` the account of its workers where its
    master is root. ``certificate`` and ``key``: files in PEM form, both or neither. ``trust``: the folder of
    the page and certificate of a local authority, handed out in the clear, too; empty where there is none.
    ``trusted``: proxies before this one, addresses or networks, whose word on a caller's address is taken.
    ``callers_per_s``, ``connections``: how many requests a second, and connections at a time, one address may have;
    ``streams``: event streams of one token.
    """

    listen: str
    behind: Sequence[str]
    folder: Path
    dist: Path
    user: str | None = None
    certificate: str = ""
    key: str = ""
    trust: str = ""
    trusted: Sequence[str] = ("127.0.0.1", "::1")
    callers_per_s: int = 500
    strangers_per_s: int = 50
    connections: int = 2000
    streams: int = 16
    head_patience_s: int = 10
    body_patience_s: int = 15
    upload_patience_s: int = 30
    file_limit_bytes: int = Config.file_limit_bytes
    import_limit_bytes: int = Config.import_limit_bytes
    outbox_limit_bytes: int = Config.outbox_limit_bytes


def wishes(environ: Mapping[str, str]) -> dict[str, object]:
    """Return what the environment says of a front: the names of ``Front`` and their values."""
    said: dict[str, object] = {
        "certificate": environ.get("PATROL_TLS_CERT", ""),
        "key": environ.get("PATROL_TLS_KEY", ""),
        "trust": environ.get("PATROL_TRUST_FOLDER", ""),
        "upload_patience_s": int(float(environ.get("PATROL_UPLOAD_PATIENCE_S", str(Front.upload_patience_s)))) or 1,
    }
    if trusted := environ.get("PATROL_TRUSTED_PROXIES", "").replace(",", " ").split():
        said["trusted"] = tuple(trusted)
    numbers = {
        "callers_per_s": "PATROL_ADDRESS_RATE",
        "connections": "PATROL_ADDRESS_CONNECTIONS",
        "streams": "PATROL_TOKEN_STREAMS",
        "head_patience_s": "PATROL_HEAD_PATIENCE_S",
        "body_patience_s": "PATROL_BODY_PATIENCE_S",
        "file_limit_bytes": "PATROL_FILE_LIMIT_BYTES",
        "import_limit_bytes": "PATROL_IMPORT_LIMIT_BYTES",
        "outbox_limit_bytes": "PATROL_OUTBOX_LIMIT_BYTES",
    }
    said |= {field: int(environ[name]) for field, name in numbers.items() if environ.get(name)}
    return said


# Braces of nginx are doubled in it: it is filled by str.format.
_MAIN: Final = Path(__file__).with_name("nginx.conf.format").read_text(encoding="utf-8")

_STREAM: Final = """\
        location = {path} {{
            limit_conn addresses {connections};
            limit_conn address_streams {connections};
            limit_conn streams {streams};
            proxy_buffering off;
            proxy_read_timeout 60s;
            proxy_pass http://application;
        }}"""

_LARGE: Final = """\
        location = {path} {{
            client_max_body_size {limit_bytes};
            proxy_read_timeout 300s;
            proxy_pass http://application;
        }}"""

_PAGE: Final = """\
        location = {path} {{
{headers}
            gzip_static on;
            try_files /{file} @application;
        }}"""

# At the port of TLS, for whoever speaks in the clear: the page by which a phone comes to trust it; a browser that asks
# for another page is sent to the same by https. Programs are told, and get nothing: their tokens went in the clear.
_IN_THE_CLEAR: Final = "/.clear"
_CLEAR_MAPS: Final = """\
    map $request $reads {
        default "";
        "~^(?:GET|HEAD) " 1;
    }
    map "$reads|$http_host|$http_accept" $https_page {
        default "";
        "~*^1\\|[^|/]+\\|.*text/html" "https://$http_host$request_uri";
    }
"""
_CLEAR: Final = """\
        location {place}/ {{
            internal;
            if ($https_page) {{
                return 307 $https_page;
            }}
            default_type application/problem+json;
            types {{ }}
            add_header Cache-Control no-store always;
            add_header Vary "Accept, Accept-Language" always;
            return 400 $problem_400;
        }}"""
_TRUST: Final = """\
        location = {place}{path} {{
{internal}{headers}
            default_type {type};
            types {{ }}
            alias {file};
        }}"""

EVENT_STREAMS: Final = ("/v1/map/events", "/v1/sync/events", "/v1/work/events")


def configuration(front: Front) -> str:
    """Return the text of nginx.conf for a front."""
    # Not with an authority of its own: whoever has to trust a new one gets it in the clear.
    strict = front.certificate and not front.trust
    hsts = ["            add_header Strict-Transport-Security max-age=31536000 always;"] if strict else []
    connections = max(4096, front.connections * 2)
    return _MAIN.format(
        user=f"user {front.user};\n" if front.user else "",
        files=connections * 2,
        worker_connections=connections,
        folder=front.folder,
        dist=front.dist,
        types="\n".join(f"        {name} {ends};" for name, ends in TYPES.items()),
        trusted="\n".join(f"    set_real_ip_from {each};" for each in front.trusted),
        trusted_geo="\n".join(f"        {each} 1;" for each in front.trusted),
        words="\n".join(_words(status) for status in sorted(set(ANSWERED_AS.values()))),
        behind="\n".join(f"        server {each} max_fails=0;" for each in front.behind),
        listen=front.listen + (" ssl" if front.certificate else "") + " backlog=1024",
        tls=_tls(front, hsts) if front.certificate else "",
        body_bytes=Config.max_body_bytes + ROOM_BYTES,
        push_bytes=Config.max_body_bytes + ROOM_BYTES,
        file_bytes=front.file_limit_bytes + ROOM_BYTES,
        callers_burst=front.callers_per_s * 4,
        strangers_burst=front.strangers_per_s * 4,
        errors=_errors(hsts, front.trust),
        clear_maps=_CLEAR_MAPS if front.trust else "",
        trust=_trust(front.trust) if front.trust else "",
        streams="\n".join(
            _STREAM.format(path=path, connections=front.connections, streams=front.streams) for path in EVENT_STREAMS
        ),
        large=_large(front),
        assets_headers=_headers("public, max-age=31536000, immutable", hsts),
        pages=_pages(hsts),
        **{
            name: getattr(front, name)
            for name in (
                *("connections", "callers_per_s", "strangers_per_s"),
                *("head_patience_s", "body_patience_s", "upload_patience_s"),
            )
        },
    )


def _tls(front: Front, hsts: Sequence[str]) -> str:
    """Return what makes a server speak TLS; ``hsts``: the lines that ask browsers to come by TLS alone."""
    return (
        f"        ssl_certificate {front.certificate};\n        ssl_certificate_key {front.key};\n"
        "        ssl_protocols TLSv1.2 TLSv1.3;\n        ssl_session_cache shared:tls:10m;\n"
        + "".join(each[4:] for each in hsts)
    )


def _large(front: Front) -> str:
    """Return the places of the routes that take whole files."""
    limits = {"/v1/boundaries/imports": front.import_limit_bytes, "/v1/support/outboxes": front.outbox_limit_bytes}
    return "\n".join(_LARGE.format(path=path, limit_bytes=most + ROOM_BYTES) for path, most in limits.items())


def _words(status: int) -> str:
    """Return the variable that holds the problem document of a status in the caller's language."""
    from server.http.problems import body
    from server.texts.problems.http import HTTP

    code, entry = HTTP[status]
    told = {lang: json.dumps(body(code, entry, lang), ensure_ascii=False) for lang in ("zh", "en")}
    if any("'" in each or "$" in each for each in told.values()):
        raise ValueError(f"nginx cannot say {told}")
    lines = [f"        {'default' if lang == 'zh' else lang} '{text}';" for lang, text in told.items()]
    return "\n".join([f"    map $language $problem_{status} {{", *lines, "    }"])


def _trust(folder: str) -> str:
    """Return the places of the page and certificate of a local authority, by TLS and in the clear."""
    page = {"path": trust_page.PAGE_PATH, "type": "text/html", "file": f"{folder}/{trust_page.PAGE_NAME}"}
    certificate = {
        "path": trust_page.CERTIFICATE_PATH,
        "type": trust_page.CERTIFICATE_TYPE,
        "file": f"{folder}/{trust_page.CERTIFICATE_NAME}",
    }
    told = {
        "Content-Security-Policy": trust_page.POLICY,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-cache",
    }
    headers = "\n".join(f'            add_header {name} "{value}";' for name, value in told.items())
    places = [
        _TRUST.format(place=place, internal=internal, headers=headers, **each)
        for place, internal in (("", ""), (_IN_THE_CLEAR, "            internal;\n"))
        for each in (page, certificate)
    ]
    return "\n".join([*places, _CLEAR.format(place=_IN_THE_CLEAR)])


def _errors(hsts: Sequence[str], trust: str) -> str:
    lines = []
    for own, status in ANSWERED_AS.items():
        if own == _PLAIN_AT_TLS and trust:
            lines.append(f"        error_page {own} = {_IN_THE_CLEAR}$uri;")
            continue
        # Not a named place: where the address itself is refused, there is none to come from.
        lines.append(f"        error_page {own} ={status} {PROBLEM_AT}/{status};")
    for status in sorted(set(ANSWERED_AS.values())):
        retry = (
            [f"            add_header Retry-After {RETRY_AFTER_S[status]} always;"] if status in RETRY_AFTER_S else []
        )
        lines += [
            f"        location = {PROBLEM_AT}/{status} {{",
            "            internal;",
            "            default_type application/problem+json;",
            "            add_header Cache-Control no-store always;",
            "            add_header Vary Accept-Language always;",
            *retry,
            *hsts,
            f"            return {status} $problem_{status};",
            "        }",
        ]
    return "\n".join(lines)


def _headers(cache_control: str, hsts: Sequence[str], headers: Mapping[str, str] | None = None) -> str:
    from server.pages.routes import HEADERS

    told = {**(headers or HEADERS), "Cache-Control": cache_control, "Vary": "Accept-Encoding"}
    return "\n".join([*(f'            add_header {name} "{value}";' for name, value in told.items()), *hsts])


def _pages(hsts: Sequence[str]) -> str:
    from server.pages.routes import APP, APP_FILES, APP_HEADERS, PAGES

    plain, app = _headers("no-cache", hsts), _headers("no-cache", hsts, APP_HEADERS)
    pages = [
        _PAGE.format(path=path, file=f"{name}.html", headers=app if name == APP else plain)
        for path, name in PAGES.items()
    ]
    return "\n".join([*pages, *(_PAGE.format(path=f"/{name}", file=name, headers=plain) for name in APP_FILES)])


def main(environ: Mapping[str, str] = os.environ) -> None:
    """Write the configuration that the environment asks for, and become nginx."""
    folder = Path(environ.get("PATROL_FRONT_FOLDER", "/tmp/front"))  # noqa: S108  # of the container alone
    folder.mkdir(parents=True, exist_ok=True)
    front = Front(
        listen=environ.get("PATROL_LISTEN", "0.0.0.0:8000"),  # the container's own network
        behind=environ.get("PATROL_BEHIND", "web:8000").split(),
        folder=folder,
        dist=Path(__file__).resolve().parents[1] / "web" / "dist",
        **wishes(environ),  # type: ignore[arg-type]  # the names and types of Front
    )
    file = folder / "nginx.conf"
    file.write_text(configuration(front))
    # Where logs of a container are looked for.
    os.execvp("nginx", ["nginx", "-e", "stderr", "-p", str(folder), "-c", str(file), "-g", "daemon off;"])  # noqa: S606  # the image's own


if __name__ == "__main__":
    main()
