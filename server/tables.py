"""Imports every module that declares tables, so that the metadata is whole. Nothing else belongs here."""
# ruff: noqa: F401  # each is imported for its tables alone

import geo.editions.tables
import server.accounts.tables
import server.attachments.tables
import server.cases.calendars.tables
import server.cases.catalogues.tables
import server.cases.duplicates.tables
import server.cases.tables
import server.cases.timing.tables
import server.grids.imports.tables
import server.grids.tables
import sync.collections
import sync.collections.categories
import sync.tables
