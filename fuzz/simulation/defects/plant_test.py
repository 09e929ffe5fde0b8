"""The planted defects still fit the sources; `./dev nightly defects` builds and tries them."""

from __future__ import annotations

import plant
import pytest


def test_every_defect_still_applies() -> None:
    defects = plant.read_defects()
    assert len(defects) >= 20
    assert len({each.name for each in defects}) == len(defects)
    plant.check_that_all_apply(defects)


def test_a_defect_whose_text_is_gone_is_told_by_its_name() -> None:
    gone = plant.Defect("gone", "x.cc", "no such text", "")
    with pytest.raises(SystemExit, match="'gone' no longer applies"):
        plant.planted("other text", gone)


def test_a_law_that_was_broken_is_told_without_the_text_of_the_failure() -> None:
    said = "broken: task 1: it was not late [worker 0 (pid 1000) ...]\nagain: ..."
    assert plant.first_words(said) == "task 1: it was not late"
    assert plant.first_words("[  FAILED  ] Loop1.x (1 ms)") == "Loop1.x"
