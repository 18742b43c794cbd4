"""``wheelyard rebuild`` as it is typed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from click.testing import CliRunner

from distributions import build_wheel
from indexes import Index
from wheelyard.audit.event import AuditedFile
from wheelyard.audit.trail import Trail
from wheelyard.entry.cli import cli
from wheelyard.storage.directory import DirectoryStore

WHEEL = build_wheel("acme-tools", "1.0")


def test_it_says_what_it_did(tmp_path: Path) -> None:
    """It lists what it changed and what it did not list, with the reason, and counts the rest."""
    store = DirectoryStore(tmp_path / "store")
    Index(store).upload(WHEEL)
    store.delete("projects/acme-tools.json")
    store.delete(f"packages/acme-tools/{WHEEL.filename}.metadata")
    store.put("packages/acme-tools/notes.txt", b"")
    run = CliRunner().invoke(cli, ["rebuild", "--store", str(tmp_path / "store")])
    assert run.exit_code == 0, run.output
    lines = run.stdout.splitlines()
    assert f"acme-tools: {WHEEL.filename}: listed" in lines
    assert f"acme-tools: {WHEEL.filename}: its metadata was written anew" in lines
    assert any(line.startswith("not listed: packages/acme-tools/notes.txt: ") for line in lines)
    assert lines[-1] == "projects checked: 1, files: 2; projects changed: 1"
    again = CliRunner().invoke(cli, ["rebuild", "--store", str(tmp_path / "store")])
    assert again.stdout.splitlines()[-1] == "projects checked: 1, files: 2; projects changed: 0"
    now = datetime.now(UTC)
    found = Trail(store).between(now - timedelta(days=1), now + timedelta(days=1))
    rebuilt = [event for event in found if event.change.action == "rebuild"]
    assert {event.actor.via for event in rebuilt} == {"command line"}
    page, metadata = rebuilt  # the newest first
    assert page.change.details == {"did": "page", "added": [WHEEL.filename]}
    assert metadata.change.details == {"did": "metadata"}
    for event in rebuilt:
        assert event.actor.user
        assert event.change.project == "acme-tools"
        assert event.change.files == (AuditedFile(WHEEL.filename, WHEEL.sha256),)
