"""Every route says who may call it and over which area, and every error class has its entry."""

import importlib
import pkgutil

import geo
import server
import sync
from geo.errors import GeoError
from server.accounts.errors import AccountError
from server.attachments.errors import AttachmentError
from server.cases.errors import CaseError
from server.grids.errors import DraftError
from server.http.problems import TABLE
from sync.errors import SyncError


def test_every_route_states_its_callers(app):
    silent = []
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        views = [getattr(view.view_class, verb) for verb in ("get", "post", "put", "delete", "patch")
                 if hasattr(view.view_class, verb)] if hasattr(view, "view_class") else [view]  # fmt: skip
        silent += [rule.rule for each in views if not getattr(each, "access", None)]
    assert [rule for rule in silent if not rule.startswith("/v1/openapi")] == []


def _subclasses(base):
    for each in base.__subclasses__():
        yield each
        yield from _subclasses(each)


def test_every_error_class_has_its_entry():
    for package in (geo, sync, server.cases, server.accounts, server.attachments, server.grids, server.files):
        for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            importlib.import_module(module.name)
    for base in (GeoError, SyncError, AccountError, CaseError, AttachmentError, DraftError):
        for each in {base, *_subclasses(base)}:
            assert each.code in TABLE, f"{each.__name__} ({each.code}) is not told to anybody"


def test_every_entry_is_told_in_both_languages():
    for code, entry in TABLE.items():
        assert entry.zh, code
        assert entry.en, code
        assert bool(entry.do_zh) == bool(entry.do_en), code
