"""What `check` writes beside its record, and what `report` makes from records."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from command import poolproof

DEADLINE = "hang/deadline_ends_a_loop"
KILLED = "death/killed_while_running"


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder of `check`, and its output: one pass, one conviction, one declined cell."""
    out = tmp_path_factory.mktemp("checked")
    pools = ("reference", "concurrent_futures_fork", "broken/lies_about_cause")
    ran = poolproof("check", *pools, "--scenario", DEADLINE, "--repeat", "1", "--out", out)
    assert ran.returncode in (0, 1), ran.stdout + ran.stderr
    killed = ("--scenario", KILLED, "--repeat", "1", "--out", out / "killed")
    convicted = poolproof("check", "broken/lies_about_cause", *killed)
    assert convicted.returncode == 1, convicted.stdout + convicted.stderr
    return out, ran.stdout


def data_of(page: Path) -> dict[str, Any]:
    text = page.read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


def test_check_leaves_a_page_and_junit_beside_the_record_and_says_where(
    checked: tuple[Path, str],
) -> None:
    out, said = checked
    for name in ("events.ndjson", "report.html", "junit.xml"):
        assert (out / name).is_file()
        assert str(out / name) in said
    data = data_of(out / "report.html")
    assert data["pools"][0]["label"] == "reference"
    assert {cell["status"] for cell in data["cells"]} == {"pass", "declined"}


def test_junit_is_well_formed_and_counts_as_the_verdicts_do(checked: tuple[Path, str]) -> None:
    out, _ = checked
    suites = ET.parse(out / "junit.xml").getroot()
    assert suites.tag == "testsuites"
    assert (suites.get("tests"), suites.get("failures"), suites.get("skipped")) == ("3", "0", "1")
    assert [suite.get("name") for suite in suites] == [
        "reference",
        "concurrent_futures_fork",
        "broken/lies_about_cause",
    ]
    convicted = ET.parse(out / "killed" / "junit.xml").getroot()
    failure = convicted.find("testsuite/testcase/failure")
    assert failure is not None and failure.text is not None
    assert failure.get("type") == "wrong-error"
    assert f"again: {' '.join(failure.text.rsplit('again: ', 1)[1].split())}" in failure.text
    assert f"--scenario {KILLED} --repeat 3" in failure.text
    properties = {p.get("name"): p.get("value") for p in convicted.iter("property")}
    assert properties["pool.version"] and properties["kernel"]


def test_report_makes_one_page_of_several_records(
    checked: tuple[Path, str], tmp_path: Path
) -> None:
    out, _ = checked
    records = (out / "events.ndjson", out / "killed" / "events.ndjson")
    made = poolproof("report", *records, "--out", tmp_path)
    assert made.returncode == 0, made.stderr
    assert str(tmp_path / "report.html") in made.stdout
    data = data_of(tmp_path / "report.html")
    assert len(data["records"]) == 2
    assert [pool["label"] for pool in data["pools"]].count("broken/lies_about_cause") == 1
    assert len(data["cells"]) == 4
    twice = poolproof("report", records[0], records[0], "--out", tmp_path)
    assert twice.returncode == 0
    assert "reference (2)" in [p["label"] for p in data_of(tmp_path / "report.html")["pools"]]


def test_report_writes_beside_the_first_record_what_check_had_written(
    checked: tuple[Path, str],
) -> None:
    out, _ = checked
    before = data_of(out / "report.html")
    (out / "report.html").unlink()
    assert poolproof("report", out / "events.ndjson").returncode == 0
    assert data_of(out / "report.html") == before


def test_a_cut_record_is_shown_as_cut(checked: tuple[Path, str], tmp_path: Path) -> None:
    out, _ = checked
    whole = (out / "events.ndjson").read_bytes()
    half = tmp_path / "half.ndjson"
    half.write_bytes(whole[: len(whole) * 2 // 3])
    assert poolproof("report", half, "--out", tmp_path).returncode == 0
    data = data_of(tmp_path / "report.html")
    assert data["records"][0]["cut_off"] != ""
    assert "cut-off" in {cell["status"] for cell in data["cells"]}
    assert ET.parse(tmp_path / "junit.xml").getroot().get("errors") != "0"


def test_json_is_all_that_check_prints_when_asked_for_it_and_the_page_is_there(
    tmp_path: Path,
) -> None:
    run = poolproof("check", "reference", "--scenario", KILLED, "--out", tmp_path, "--json")
    assert json.loads(run.stdout)["exit"] == 0
    assert (tmp_path / "report.html").is_file()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("nowhere.ndjson",), "nowhere.ndjson"),
        (("RECORD", "--level", "musst"), "musst"),
        ((), "events"),
        (("RECORD", "--uot", "x"), "--out"),
    ],
)
def test_a_slip_gets_one_helpful_line(
    checked: tuple[Path, str], words: tuple[str, ...], says: str
) -> None:
    record = str(checked[0] / "events.ndjson")
    run = poolproof("report", *(record if word == "RECORD" else word for word in words))
    assert run.returncode == 2
    assert len(run.stderr.splitlines()) == 1
    assert says in run.stderr


def test_what_is_no_record_is_called_so_and_no_page_is_left(tmp_path: Path) -> None:
    strange = tmp_path / "strange.ndjson"
    strange.write_text("this\nis\nno record\n")
    run = poolproof("report", strange)
    assert run.returncode in (2, 3)
    assert "strange.ndjson" in run.stderr
    assert not list(tmp_path.glob("report.html*"))


def test_verdicts_are_not_lost_where_the_page_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()
    run = poolproof("check", "reference", "--scenario", KILLED, "--out", tmp_path)
    assert run.returncode == 3
    assert "1 cell: 1 passed" in run.stdout
    assert "report.html" in run.stderr
