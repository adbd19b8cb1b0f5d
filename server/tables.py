"""Imports every module that declares tables, so that the metadata is whole. Nothing else belongs here."""

import geo.tables
import server.accounts.tables
import server.cases.tables
import sync.collections
import sync.collections.categories
import sync.tables  # noqa: F401  # imported for their tables alone
