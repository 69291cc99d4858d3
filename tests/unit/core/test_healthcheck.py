"""`cloudplow healthcheck`: which answers of the instance are healthy, and what is said of the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cloudplow.cli import main
from cloudplow.commands import healthcheck
from cloudplow.errors import CloudplowError, NotRunningError

CONFIG = """{"plugins": [], "remotes": {"google": {"upload_folder": "/srv", "upload_remote": "google:"}},
"uploader": {"google": {}}}"""


def check(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    answer: dict[str, Any] | CloudplowError,
    config: str = CONFIG,
) -> int:
    def ask(folder: Path, request: dict[str, Any], timeout_seconds: float) -> dict[str, Any]:
        assert (folder, request, timeout_seconds) == (tmp_path, {"do": "health"}, 5.0)
        if isinstance(answer, CloudplowError):
            raise answer
        return answer

    monkeypatch.setattr(healthcheck, "ask", ask)
    (tmp_path / "config.json").write_text(config)
    return main(["healthcheck", "--config", str(tmp_path / "config.json")])


def test_an_instance_without_problems_is_healthy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(monkeypatch, tmp_path, {"problems": []}) == 0
    assert capsys.readouterr().out == "healthy\n"


def test_every_reason_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(monkeypatch, tmp_path, {"problems": ["it\ncoughs", "it is pale", "it is pale"]}) == 1
    assert capsys.readouterr().out == "unhealthy: it\\ncoughs\nunhealthy: it is pale\n"


def test_no_instance_is_told_with_the_places_where_it_was_looked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(monkeypatch, tmp_path, NotRunningError("no cloudplow is running with the state folder /x")) == 1
    where = f"the state folder /x (of the configuration {tmp_path}/config.json)"
    assert capsys.readouterr().out == f"unhealthy: no cloudplow is running with {where}\n"


@pytest.mark.parametrize("answer", [CloudplowError("it has not answered within 5 seconds"), {}, {"problems": "none"}])
def test_an_instance_that_does_not_say_how_it_is_is_not_healthy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, answer: dict[str, Any] | CloudplowError
) -> None:
    assert check(monkeypatch, tmp_path, answer) == 1


def test_an_instance_that_is_well_stays_so_while_its_configuration_is_edited(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(monkeypatch, tmp_path, {"problems": []}, config='{"uploader":') == 0
    told = capsys.readouterr()
    assert told.out == "healthy\n"
    assert "config.json" in told.err


def test_an_edited_configuration_explains_an_instance_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(monkeypatch, tmp_path, NotRunningError("none"), config='{"uploader":') == 1
    assert "config.json" in capsys.readouterr().err
