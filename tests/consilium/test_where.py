"""``consilium where`` on a server's database."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from consilium.__main__ import main
from consilium.gatekeeper_tables import PlanTables
from gatekeeper.number_plan import Rule
from gatekeeper.zones import Budget, Zone
from mcu.control.database import Database


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The folder of a server with a rule and a zone."""

    async def fill() -> None:
        database = await Database.open(tmp_path / "consilium.sqlite3")
        plan = PlanTables(database)
        rules: list[dict[str, object]] = [
            {"id": "old", "kind": "prefix", "match": "88", "target": "rewrite", "value": "{1}"},
            {"id": "no", "kind": "exact", "match": "666", "target": "refuse", "value": "Not this one"},
        ]
        for rule in rules:
            await plan.put_rule(Rule.model_validate(rule))
        await plan.put_zone(Zone(name="ward", networks=("10.1.0.0/16",), budget=Budget(each=1_000_000)))
        await plan.put_zone(Zone(name="full", budget=Budget(total=0)))
        await database.close()

    asyncio.run(fill())
    return tmp_path


def where(data: Path, *words: str) -> int:
    return main(["where", "--set", f"data={data}", *words])


def test_the_way_is_told_step_by_step(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert where(data, "88-1000*4711", "--source", "10.1.2.3") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        "1. Dialled is 88-1000*… at localhost.",
        "2. The caller is in zone ward.",
        "3. 88-1000 is spelled 881000.",
    ]
    assert lines[3] == "4. Rule old (prefix 88, priority 100) holds."
    assert any(line.endswith("The call goes to room 1000.") for line in lines)
    assert lines[-1].startswith("Even with no other call its picture has 936 kbit/s only: a call in zone ward")
    assert "4711" not in "".join(lines)


def test_the_exit_status_tells_of_a_refusal(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert where(data, "666") == 1
    assert "refused with 403: Not this one." in capsys.readouterr().out
    assert where(data, "1000", "--zone", "full") == 1
    assert "Even with no other call it would be refused" in capsys.readouterr().out


def test_what_cannot_be_answered_says_why(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert where(data, "1000", "--zone", "nowhere") == 2
    assert where(data / "elsewhere", "1000") == 2
    error = capsys.readouterr().err
    assert "There is no zone nowhere." in error and "is not there" in error
    assert not (data / "elsewhere").exists()
