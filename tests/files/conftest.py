"""The app of ``tests.sync`` with a folder for files, and uploads as a phone makes them."""

import base64
import dataclasses
import datetime as dt
import hashlib
import secrets
import uuid
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from sqlalchemy.orm import Session

from server.app import create_app
from server.attachments.store import open_store
from server.attachments.tending import Tender
from server.attachments.uploads import Limits
from server.config import Config, sqlalchemy_url
from server.database.extensions import db
from server.database.ground_cache import ground_now
from tests.sync.conftest import phone_of, session, sync_url

__all__ = ["phone_of", "session", "sync_url"]

OFFSET = "application/offset+octet-stream"


@pytest.fixture(scope="session")
def files_url(tmp_path_factory):
    return tmp_path_factory.mktemp("files").as_uri()


@pytest.fixture(scope="session")
def app(sync_url, redis_url, files_url):
    config = Config(
        database_url=sqlalchemy_url(sync_url), redis_url=redis_url, secret_key=secrets.token_hex(), testing=True,
        push_rate="100000 per minute", sign_in_rate="100000 per minute", files_url=files_url,
    )  # fmt: skip
    app = create_app(config)
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def store(files_url):
    return open_store(files_url)


@pytest.fixture
def configured(app):
    """Changes the configuration for one test: ``configured(open_uploads=2)``."""
    before = app.config["PATROL"]
    yield lambda **changes: app.config.update(PATROL=dataclasses.replace(before, **changes))
    app.config["PATROL"] = before


@pytest.fixture
def tender(app, session, store):
    """Does the job's work, as if it were some time later: ``tender(hours=2)``."""
    engine = session.get_bind()

    @contextmanager
    def transaction():
        with Session(engine, expire_on_commit=False) as opened, opened.begin():
            yield opened

    def make(**later):
        config = app.config["PATROL"]
        limits = Limits(config.file_limit_bytes, config.open_uploads, config.open_upload_bytes, config.upload_ttl)

        def clock():
            return dt.datetime.now(dt.UTC) + dt.timedelta(**later)

        return Tender(transaction, store, ground_now, limits, clock)

    return make


def metadata(**told):
    return ",".join(f"{key} {base64.b64encode(str(value).encode()).decode()}" for key, value in told.items())


def checksum(content, algorithm="sha256"):
    return f"{algorithm} {base64.b64encode(hashlib.new(algorithm, content).digest()).decode()}"


@dataclass
class Uploading:
    """One phone's uploads, request by request."""

    phone: object

    def headers(self, **more):
        named = {name.replace("_", "-"): str(value) for name, value in more.items()}
        return self.phone.headers | {"Tus-Resumable": "1.0.0"} | named

    def begin(self, content, *, record=None, collection="visits", id=None, body=None, told=None, **more):  # noqa: A002
        said = {
            "record": record or uuid.uuid4(), "collection": collection,
            "sha256": hashlib.sha256(content).hexdigest(), "filetype": "image/jpeg",
        } | ({"id": id} if id else {}) | (told or {})  # fmt: skip
        headers = self.headers(Upload_Length=len(content), Upload_Metadata=metadata(**said)) | more
        if body is not None:
            headers["Content-Type"] = OFFSET
        return self.phone.client.post("/v1/files", data=body, headers=headers)

    def patch(self, where, body, offset, **more):
        headers = {"Content-Type": OFFSET} | self.headers(Upload_Offset=offset) | more
        return self.phone.client.patch(where, data=body, headers=headers)

    def head(self, where):
        return self.phone.client.head(where, headers=self.headers())

    def offset(self, where):
        answer = self.head(where)
        assert answer.status_code == 200, answer.status
        return int(answer.headers["Upload-Offset"])

    def upload(self, content, **more):
        """Upload a whole file; return where it is."""
        answer = self.begin(content, body=content, **more)
        assert answer.status_code == 201, answer.text
        assert answer.headers["Upload-Offset"] == str(len(content))
        return answer.headers["Location"]


@pytest.fixture
def uploading():
    return Uploading


@pytest.fixture
def phone(phone_of):
    return phone_of("west")


@pytest.fixture
def up(phone, uploading):
    return uploading(phone)
