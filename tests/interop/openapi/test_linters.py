"""The linters that makers of apps run first find no error in the document."""

import json
from pathlib import Path

HERE = Path(__file__).parent


def test_redocly_finds_no_error(tool, document):
    done = tool("redocly", "lint", document, "--config", HERE / "redocly.yaml", "--format", "json")
    found = json.loads(done.stdout)
    assert [each for each in found["problems"] if each["severity"] == "error"] == []
    assert found["totals"]["errors"] == 0
    assert done.returncode == 0, done.stderr


def test_spectral_finds_no_error(tool, document):
    done = tool("spectral", "lint", document, "--ruleset", HERE / "spectral.yaml", "--format", "json", "-F", "error")
    assert [each for each in json.loads(done.stdout) if each["severity"] == 0] == []
    assert done.returncode == 0, done.stderr


def test_the_linters_do_look(tool, document, tmp_path):
    told = json.loads(document.read_text())
    del told["paths"]["/v1/sync/push"]["post"]["security"]
    told["paths"]["/v1/sync/push"]["post"]["operationId"] = "get_sync_pull"
    broken = tmp_path / "openapi.json"
    broken.write_text(json.dumps(told))
    assert tool("redocly", "lint", broken, "--config", HERE / "redocly.yaml").returncode != 0
    assert tool("spectral", "lint", broken, "--ruleset", HERE / "spectral.yaml", "-F", "error").returncode != 0
