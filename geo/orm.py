"""Declarative base, naming convention and column types shared by every table of the project.

Owns nothing but SQLAlchemy vocabulary; knows no table, no Flask and no Redis. The metadata and the
annotation map sit in a ``registry`` because Flask-SQLAlchemy refuses a base that carries its own
``type_annotation_map``.
"""

import datetime as dt
import uuid
from typing import Annotated, Any

from geoalchemy2 import Geometry
from sqlalchemy import BigInteger, DateTime, Identity, Integer, MetaData, SmallInteger, Text, Uuid
from sqlalchemy.dialects.postgresql import BYTEA, INT4RANGE, INT8MULTIRANGE, JSONB, TSTZRANGE
from sqlalchemy.dialects.postgresql.ranges import MultiRange, Range
from sqlalchemy.orm import DeclarativeBase, mapped_column, registry

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

BigInt = Annotated[int, mapped_column(BigInteger)]
SmallInt = Annotated[int, mapped_column(SmallInteger)]
IdentityKey = Annotated[int, mapped_column(Integer, Identity(always=True), primary_key=True)]
BigIdentityKey = Annotated[int, mapped_column(BigInteger, Identity(always=True), primary_key=True)]
Json = dict[str, Any]

metadata = MetaData(naming_convention=NAMING)


class Base(DeclarativeBase):
    """Base of every mapped table; all times are ``timestamptz``, all text is unbounded ``text``."""

    registry = registry(
        metadata=metadata,
        type_annotation_map={
            str: Text,
            bytes: BYTEA,
            uuid.UUID: Uuid,
            dt.datetime: DateTime(timezone=True),
            Json: JSONB,
            Range[int]: INT4RANGE,
            Range[dt.datetime]: TSTZRANGE,
            MultiRange[int]: INT8MULTIRANGE,
        },
    )


def point_column() -> Geometry:
    """Point in EPSG:4326, lon-lat order; the index is declared by the table that wants one."""
    return Geometry("POINT", srid=4326, spatial_index=False)


def multipolygon_column() -> Geometry:
    """MultiPolygon in EPSG:4326, lon-lat order; the index is declared by the table that wants one."""
    return Geometry("MULTIPOLYGON", srid=4326, spatial_index=False)


def box_column() -> Geometry:
    """Polygon in EPSG:4326, lon-lat order, that bounds something; the index is declared by the table that wants one."""
    return Geometry("POLYGON", srid=4326, spatial_index=False)
