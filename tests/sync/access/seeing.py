"""What a phone sees, counted; and files put beside records."""

import hashlib
import uuid

from sqlalchemy import text

SECRET = "张三家纠纷"


def digest_agrees(phone):
    """Whether the phone holds what the digest says, in the grids it was told of and beside them."""
    told = phone.client.get("/v1/sync/digest", headers=phone.headers).json["digests"]
    grids = phone.page()["scope"]["grids"]
    lines = {}
    for (collection, record_id), change in sorted(phone.held.items()):
        code = (change.get("grid") or {}).get("code")
        known = code if code in grids and collection != "tasks" else None
        lines.setdefault((known, collection), []).append(f"{record_id}:{change['rev']}")
    for each in told:
        mine = "\n".join(lines.get((each["grid"], each["collection"]), ()))
        assert each["checksum"] == hashlib.md5(mine.encode(), usedforsecurity=False).hexdigest(), each
    return True


def put_attachment(session, record_id, follower=None, *, table="issue"):
    """A file of a record; it follows the record's author, or whoever has this login."""
    file_id = uuid.uuid4()
    author = "author_id" if table != "household" else "NULL::int"
    session.execute(
        text(f"""
            INSERT INTO attachment (id, rev, doc_rev, doc, author_id, captured_at, received_at, changed_at, grid_now,
                                    collection, record_id, bond, follower_id, media_type, served_sha256, served_size,
                                    preview)
            SELECT :id, 1, 1, '{{}}', {author}, now(), now(), now(), grid_now, :collection, id, 'bound',
                   coalesce((SELECT person.id FROM person WHERE login = :follower), {author}),
                   'image/jpeg', '\\x00', 1, 'none'
            FROM {table} WHERE id = :record
        """),
        {"id": file_id, "record": record_id, "collection": f"{table}s", "follower": follower},
    )
    session.commit()
    return str(file_id)
