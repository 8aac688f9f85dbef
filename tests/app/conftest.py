"""The command in this process, over a study and a report that take no time."""

import logging
import sys

import pytest

from sim.app import command
from tests.app.fakes import FakeStudy, rooms


@pytest.fixture
def study(monkeypatch):
    study = FakeStudy()
    for name, module in rooms(study).items():
        monkeypatch.setitem(sys.modules, name, module)
    return study


@pytest.fixture
def peakcast(study, tmp_path, monkeypatch, capsys):  # noqa: ARG001  # `study`: for its effect
    """`code, out, err = peakcast(*arguments)`, from an empty folder; out and err as lines."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")
    handlers = logging.root.handlers[:]

    def run(*argv):
        capsys.readouterr()
        code = command(argv)
        out, err = capsys.readouterr()
        return code, out.splitlines(), err.splitlines()

    yield run
    logging.root.handlers[:] = handlers
