"""The benchmark of cases runs, and takes what it says it takes; what it measures is nobody's to assert."""

import pytest

from tests.bench import cases
from tests.conftest import own_redis_url


@pytest.fixture
def small(monkeypatch, cluster_url):
    monkeypatch.setenv("PATROL_TEST_DATABASE_URL", cluster_url)
    monkeypatch.setenv("PATROL_TEST_REDIS_URL", own_redis_url())
    for name in ("DATABASE_URL", "REDIS_URL", "PATROL_SECRET_KEY", "PATROL_PUSH_RATE"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    return cases.Sizes(
        standing=400, waiting=60, stepping=8, rounds=1, routing_rounds=1, seconds=0.1, warm_up=0
    )  # fmt: skip


def test_it_runs_and_tells_floor_ours_and_ratio_of_each_part(small):
    found = cases.measure(lambda _line: None, small)
    assert [name.partition(",")[0] for name in found["pairs"]] == [
        "duty list", "duty list", "counts of duty", "desk", "counts of desk", "steps", "steps",
        "routing of 60 that wait",
    ]  # fmt: skip
    for each in found["pairs"].values():
        assert min(each["floor"]["median"], each["ours"]["median"], each["ratio"]["median"]) > 0
    assert len(found["lines"]) == 1 + 2 * len(found["pairs"])
