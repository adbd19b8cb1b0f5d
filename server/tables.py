"""Imports every module that declares tables, so that the metadata is whole. Nothing else belongs here."""
# ruff: noqa: F401  # each is imported for its tables alone

import geo.tables
import server.accounts.tables
import server.attachments.tables
import server.cases.tables
import server.grids.import_tables
import server.grids.tables
import sync.collections
import sync.collections.categories
import sync.tables
