"""Sends what is no protocol, and reads the refusal."""


def raw(phone, body, **headers):
    return phone.client.post(
        "/v1/sync/push", data=body, headers=phone.headers | {"Content-Type": "application/json"} | headers
    )


def assert_problem(answer, status, slug):
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    assert answer.json["type"].endswith("/" + slug)
    assert answer.json["title"]
    return answer.json
