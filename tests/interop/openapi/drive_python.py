"""A day's work by the client that openapi-python-client made: run in its virtual environment, told by JSON."""

import datetime as dt
import json
import sys
import uuid

from patrol_client import AuthenticatedClient, Client
from patrol_client.api.devices import post_devices
from patrol_client.api.enrolments import post_enrolments
from patrol_client.api.issues import get_issues
from patrol_client.api.session import delete_session, get_session, post_session
from patrol_client.api.sync import get_sync_digest, get_sync_pull, get_sync_status, post_sync_push
from patrol_client.models import (
    Credentials,
    Described,
    Enrolment,
    IssueChanges,
    IssueRecord,
    Location,
    Operation,
    OperationBaseType0,
    Push,
    VisitRecord,
    Worker,
)
from patrol_client.models.issue_changes_severity import IssueChangesSeverity
from patrol_client.models.location_datum import LocationDatum
from patrol_client.models.operation_action import OperationAction
from patrol_client.models.operation_collection import OperationCollection
from patrol_client.models.visit_record_outcome import VisitRecordOutcome
from patrol_client.models.visit_record_purpose import VisitRecordPurpose


def operation(seq, collection, action, data, **more):
    now = dt.datetime.now(dt.UTC)
    return Operation(
        op_id=uuid.uuid4(), seq=seq, collection=OperationCollection(collection), id=more.pop("id", uuid.uuid4()),
        action=OperationAction(action), captured_at=now, data=data, **more,
    )  # fmt: skip


def pushed(client, orders):
    now = dt.datetime.now(dt.UTC)
    place = Location(lon=orders["lon"], lat=orders["lat"], datum=LocationDatum.WGS84)
    visit = VisitRecord(
        outcome=VisitRecordOutcome.MET, purpose=VisitRecordPurpose.ROUTINE, address_text="1 号", location=place,
        started_at=now, ended_at=now,
    )  # fmt: skip
    issue = IssueRecord(category="0301", description="井盖缺失 · generated", location=place)
    first = operation(2, "issues", "put", issue, base=None)
    change = operation(
        3, "issues", "patch", IssueChanges(severity=IssueChangesSeverity.URGENT),
        id=first.id, base=OperationBaseType0(op_id=first.op_id),
    )  # fmt: skip
    ops = [operation(1, "visits", "put", visit, base=None), first, change]
    told = post_sync_push.sync(client=client, body=Push(batch_id=uuid.uuid4(), sent_at=now, ops=ops))
    return first.id, [each.status.value for each in told.results]


def pulled(client):
    """Everything in scope: a page may be empty while there is more."""
    page = get_sync_pull.sync(client=client)
    changes = page.changes
    while page.has_more:
        page = get_sync_pull.sync(client=client, cursor=page.cursor)
        changes = changes + page.changes
    return changes


def main(orders):
    stranger = Client(base_url=orders["url"])
    described = Described(name="generated", platform="python", app_version="1.0")
    enrolled = post_devices.sync(client=stranger, body=Enrolment(code=orders["code"], device=described))
    phone = AuthenticatedClient(base_url=orders["url"], token=enrolled.token)
    issue_id, statuses = pushed(phone, orders)
    changes = pulled(phone)
    issue = next(each for each in changes if each.id == issue_id)
    digests = get_sync_digest.sync(client=phone).digests
    assert get_sync_status.sync(client=phone).quarantined == []
    staff = Client(base_url=orders["url"])
    session = post_session.sync(client=staff, body=Credentials(login=orders["login"], password=orders["password"]))
    assert get_session.sync(client=staff).csrf == session.csrf
    listed = get_issues.sync(client=staff).issues
    worker = Worker(worker=orders["worker"])
    refused = post_enrolments.sync_detailed(client=staff, body=worker, x_csrf_token="wrong")
    code = post_enrolments.sync(client=staff, body=worker, x_csrf_token=session.csrf)
    delete_session.sync_detailed(client=staff, x_csrf_token=session.csrf)
    return {
        "worker": enrolled.worker.login, "pushed": statuses, "pulled": len(changes),
        "severity": issue.data["severity"], "digests": len(digests), "signed_in": session.person.login,
        "listed": [each.summary for each in listed if each.id == issue_id], "code": code.code,
        "refused": int(refused.status_code), "signed_out": int(get_session.sync_detailed(client=staff).status_code),
    }  # fmt: skip


sys.stdout.write(json.dumps(main(json.loads(sys.argv[1])), ensure_ascii=False))
