"""Photos that a phone attaches to its visits, and how they are fetched."""

import uuid

from tests.files.pictures import picture

PICTURE = picture()
COUNTY, COMMUNITY = "360725", "360725100001"


def id_of(where):
    return where.rpartition("/")[2]


def visit_with_photo(phone, up, content=PICTURE, **more):
    photo, visit = str(uuid.uuid4()), phone.visit(**more)
    visit["data"]["photos"] = [photo]
    assert phone.push(visit)[0]["status"] == "applied"
    up.upload(content, id=photo, record=visit["id"])
    return photo, visit["id"]


def get(phone, file_id, what="content", **headers):
    return phone.client.get(f"/v1/files/{file_id}/{what}", headers=phone.headers | headers)
