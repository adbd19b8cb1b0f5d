"""Pull with nothing new beside a trivial route of the same app: requests a second, in alternating rounds."""

from collections.abc import Sequence
from typing import Any

import requests

from tests.bench import load_http
from tests.bench.batches import Device, enrolled_devices
from tests.bench.stage import Say, Stage, in_processes, quantiles, spread, stage, told

ROUNDS, SECONDS, PROCESSES, CONNECTIONS = 7, 3.0, 2, 8


def measure(say: Say) -> dict[str, Any]:
    """Run the rounds; returns the figures and the lines that a person reads."""
    with stage(front=True) as city:
        devices = enrolled_devices(city.url, PROCESSES * CONNECTIONS)
        pulls = [load_http.get_request(f"/v1/sync/pull?cursor={_filled(city, each)}", each.token) for each in devices]
        trivial = [load_http.get_request("/healthz")] * len(devices)
        rounds = []
        for number in range(-1, ROUNDS):
            sides = [
                ("floor", trivial, b'"ok"', [city.address]),
                ("ours", pulls, b'"changes":[]', [city.address]),
                ("past nginx", pulls, b'"changes":[]', city.front.sockets),
            ]
            turn = sides[:: 1 if number % 2 else -1]
            found = {name: _round(city, each, wanted, doors) for name, each, wanted, doors in turn}
            say(f"{number + 1}: floor {found['floor'][0]:,.0f}/s, ours {found['ours'][0]:,.0f}/s")
            rounds.append(found)
    return _told(rounds[1:])


def _filled(city: Stage, device: Device) -> str:
    """Return the cursor of a phone that has everything."""
    cursor, more = "", True
    while more:
        page = requests.get(
            f"http://{city.address[0]}:{city.address[1]}/v1/sync/pull",
            params={"limit": 2000} | ({"cursor": cursor} if cursor else {}),
            headers={"Authorization": f"Bearer {device.token}"},
            timeout=30,
        ).json()
        cursor, more = page["cursor"], page["has_more"]
    return cursor


def _round(
    city: Stage, asked: list[bytes], wanted: bytes, doors: Sequence[load_http.Address]
) -> tuple[float, list[float], float]:
    """Requests a second, their milliseconds, and microseconds of processor a request on the server's side."""
    shares = [asked[n::PROCESSES] for n in range(PROCESSES)]
    before = sum(city.spent().values())
    sent = [(doors[n % len(doors)], share, SECONDS, wanted) for n, share in enumerate(shares)]
    found = in_processes(load_http.get, sent)
    cost_us = (sum(city.spent().values()) - before) * 1e6 / sum(count for count, _, _ in found)
    return sum(count / took for count, took, _ in found), [ms for _, _, each in found for ms in each], cost_us


def _told(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    p50, p99 = quantiles([ms for each in rounds for ms in each["ours"][1]])
    figures = {
        "floor_per_s": spread([each["floor"][0] for each in rounds]),
        "ours_per_s": spread([each["ours"][0] for each in rounds]),
        "past_nginx_per_s": spread([each["past nginx"][0] for each in rounds]),
        "past_nginx_cost_us": spread([each["past nginx"][2] for each in rounds]),
        "ratio": spread([each["ours"][0] / each["floor"][0] for each in rounds]),
        "floor_cost_us": spread([each["floor"][2] for each in rounds]),
        "ours_cost_us": spread([each["ours"][2] for each in rounds]),
        "p50_ms": p50,
        "p99_ms": p99,
    }
    lines = [
        f"{ROUNDS} rounds of {SECONDS} s each, {PROCESSES * CONNECTIONS} connections; median (least - most)",
        f"trivial route  {told(figures['floor_per_s'])} a second, {told(figures['floor_cost_us'])} us each",
        f"pull           {told(figures['ours_per_s'])} a second, {told(figures['ours_cost_us'])} us each",
        f"past nginx     {told(figures['past_nginx_per_s'])} a second, {told(figures['past_nginx_cost_us'])} us each",
        f"ratio          {told(figures['ratio'])}",
        f"a pull         p50 {p50} ms, p99 {p99} ms",
    ]
    return figures | {"lines": lines}
