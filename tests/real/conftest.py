# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says what the tests will do, gives them their registries, cleans up whatever happens, and says what was seen."""

from __future__ import annotations

import signal
from typing import Any, Iterator

import pytest

from real import settings
from real.place import Answered, Place, Skipped
from real.run import CASES, FORECASTS, PLACES, SERVER, Run

RUN = pytest.StashKey[Run]()
REFUSED = pytest.ExitCode.USAGE_ERROR
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add an option that cleans up behind a run that was killed."""
    parser.addoption(
        "--sweep", metavar="PREFIX", help="delete what a killed run with that prefix left, and do no tests"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Read the environment; let a polite kill end the tests as Ctrl-C does."""
    config.addinivalue_line("markers", "on(kind): a test of one kind of registry")
    sweep = config.getoption("sweep")
    try:
        found = settings.read()
        if sweep:
            found = settings.read({**found.values, "REGISTRY_HYGIENE_REAL_PREFIX": sweep})
        config.stash[RUN] = Run(found)
    except settings.Refused as refused:
        pytest.exit(str(refused), REFUSED)
    write = writer(config)

    def interrupt(*_what: Any) -> None:
        for number in SIGNALS:
            signal.signal(number, lambda *_what: write("cleaning up, wait"))
        raise KeyboardInterrupt

    for number in SIGNALS:
        signal.signal(number, interrupt)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Say what will be done."""
    run, write = session.config.stash[RUN], writer(session.config)
    if session.config.getoption("sweep"):
        sweep(run, write)
        return
    for line in run.intent():
        write(line)


def sweep(run: Run, write: Any) -> None:
    """Delete what is there with the prefix, and end."""
    if not run.settings.made_up or SERVER not in run.sides:
        pytest.exit(
            f"--sweep: give a prefix that a run made up ({settings.OURS}...), and the environment of that run", REFUSED
        )
    for kind in run.kinds:
        held = run.adopt(kind)
        write(f"{PLACES[kind].title} holds {len(held)} things with {run.settings.prefix}: {', '.join(held)[:2000]}")
    run.close()
    pytest.exit("\n".join(["swept", *run.left]), 1 if run.left else 0)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the rows and forecasts of each kind of registry on each side, and other tests on each side of their kind."""
    run = metafunc.config.stash[RUN]
    marks = [mark.args[0] for mark in metafunc.definition.iter_markers("on")]
    kinds = [kind for kind in marks or PLACES if kind in run.kinds]
    given = {"case": CASES, "forecast": FORECASTS}
    name = next((name for name in given if name in metafunc.fixturenames), None)
    if name:
        found = [(kind, one, side) for kind in kinds for one in given[name][kind] for side in run.sides]
        ids = [f"{one.name}-{side}" for _kind, one, side in found]
        metafunc.parametrize(
            ("place", name), [((kind, side), one) for kind, one, side in found], ids=ids, indirect=["place"]
        )
    else:
        found = [(kind, side) for kind in kinds for side in run.sides]
        metafunc.parametrize("place", found, ids=[side for _kind, side in found], indirect=True)


@pytest.fixture
def place(request: pytest.FixtureRequest) -> Place:
    """The registry of a test."""
    run = request.config.stash[RUN]
    kind, side = request.param
    test = request.node.name.replace(f"{side}]", "]")
    try:
        return run.begin(test, kind, side)
    except settings.Refused as refused:
        pytest.exit(f"{PLACES[kind].title}: {refused}", REFUSED)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Iterator[Any]:
    """Skip what the registry lacks, and put back what a test borrowed."""
    left: list[str] = []
    try:
        return (yield)
    except Skipped as skipped:
        pytest.skip(str(skipped))
    except Answered as answered:
        if answered.status == 403:
            pytest.skip(f"a right is missing: {answered}")
        raise
    finally:
        left = pyfuncitem.funcargs["place"].put_back()
        if left:
            pytest.fail(f"not put back: {'; '.join(left)}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Clean up, and do not let Ctrl-C interrupt that."""
    run, write = session.config.stash[RUN], writer(session.config)
    for number in SIGNALS:
        signal.signal(number, lambda *_what: write("cleaning up, wait"))
    run.close()
    if run.left:
        session.exitstatus = 1


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say what was not tested, what differs from the fakes and what is left."""
    run = config.stash[RUN]
    parts = {"not tested": skipped(terminalreporter)}
    if SERVER in run.sides:
        parts["differs from the fake"] = run.differences() or ["nothing that these tests see"]
    parts["left behind"] = run.left or [f"nothing with {run.settings.prefix}"]
    for title, lines in parts.items():
        if lines:
            terminalreporter.section(title)
            for line in lines:
                terminalreporter.line(line)


def skipped(terminalreporter: Any) -> list[str]:
    """Return the tests that were skipped, by name, with the reason."""
    reports = terminalreporter.stats.get("skipped", [])
    return [f"{one.nodeid.rpartition('::')[2]}: {one.longrepr[2].partition('Skipped: ')[2]}" for one in reports]


def writer(config: pytest.Config) -> Any:
    """Return what writes a line for the user."""

    def write(line: str) -> None:
        reporter = config.pluginmanager.get_plugin("terminalreporter")
        reporter.ensure_newline()
        reporter.write_line(line)

    return write
