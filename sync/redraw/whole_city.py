"""Whoever is in charge of the whole city stays so when its uppermost areas are others.

Owns giving such people the areas without a parent that an edition brings. Being in charge of everything is read from
the assignments to all of these areas, so that without this a county laid over the city, or an area beside it, would
take every right over the whole from everybody. Knows nothing of sessions or requests.
"""

import datetime as dt

from sqlalchemy import text
from sqlalchemy.orm import Session

# A role that is held over all of the uppermost areas goes on over the new ones, until the first of its assignments
# ends. Whoever held all of them by several roles together, and by none alone, keeps each of these.
_KEEP = text("""
    WITH old AS (
        SELECT area_id FROM area_version WHERE editions @> CAST(:number AS int) - 1 AND parent_id IS NULL
    ), new AS (
        SELECT area_id FROM area_version WHERE editions @> CAST(:number AS int) AND parent_id IS NULL
        EXCEPT SELECT area_id FROM old
    ), held AS (
        SELECT person_id, role, area_id, coalesce(upper(during), 'infinity') AS ends
        FROM assignment JOIN old USING (area_id)
        WHERE during @> CAST(:at AS timestamptz) AND role <> 'handler'
    ), by_role AS (
        SELECT person_id, role, count(DISTINCT area_id) = (SELECT count(*) FROM old) AS is_whole, min(ends) AS ends
        FROM held GROUP BY person_id, role
    ), together AS (
        SELECT person_id FROM held GROUP BY person_id HAVING count(DISTINCT area_id) = (SELECT count(*) FROM old)
    )
    INSERT INTO assignment (person_id, role, area_id, during)
    SELECT person_id, role, new.area_id, tstzrange(CAST(:at AS timestamptz), nullif(ends, 'infinity'))
    FROM by_role JOIN together USING (person_id) CROSS JOIN new
    WHERE (is_whole OR NOT EXISTS (
            SELECT FROM by_role AS other WHERE other.person_id = by_role.person_id AND other.is_whole))
        AND NOT EXISTS (
            SELECT FROM assignment AS known
            WHERE known.person_id = by_role.person_id AND known.role = by_role.role AND known.area_id = new.area_id
                AND known.organisation_id IS NULL
                AND known.during && tstzrange(CAST(:at AS timestamptz), nullif(ends, 'infinity')))
    ORDER BY person_id, role, new.area_id
""")


def keep_in_charge(session: Session, number: int, at: dt.datetime) -> None:
    """Put what edition ``number`` adds on top in the charge of who had all of the city before it began.

    ``at``: that moment, aware UTC. In the transaction that publishes the edition.
    """
    session.execute(_KEEP, {"number": number, "at": at})
