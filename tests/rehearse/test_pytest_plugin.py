"""The plugin in sessions of its own; a run made by hand stands in for the engine."""

import pytest

pytest_plugins = ["pytester"]

ENGINE = """
    import dataclasses
    import pytest
    from tests.results.sample_run import make_run

    played = []

    @pytest.fixture(autouse=True, scope="session")
    def engine():
        def simulate(scenario, replication=0, **_):
            played.append((scenario.seed, replication))
            run = make_run(seed=replication + 1)
            return dataclasses.replace(run, scenario=scenario, replication=replication)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("simulations.simulate", simulate)
            patch.setattr("simulations.replications.simulate", simulate)
            yield

    @pytest.fixture
    def runs():
        return played
"""
SCENARIO = """\
extends: smoke
thresholds: {mouth_to_ear_delay: p(95) < 1s}
"""


@pytest.fixture
def session(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("PYTHONPATH", str(pytester._request.config.rootpath))
    pytester.makeconftest(ENGINE)
    pytester.makefile(".yaml", ours=SCENARIO)
    pytester.makeini("[pytest]\naddopts = --strict-markers\n")
    return pytester


def test_tests_rehearse_and_assert(session: pytest.Pytester) -> None:
    session.makepyfile("""
        import pytest

        def test_fixture(rehearse):
            run = rehearse("ours.yaml", ["endpoints.sample=9"], seed=3)
            assert run.replications.scenario.endpoints.sample == 9
            assert run.value("mouth_to_ear_delay", "p(95)") > 0
            assert run.value("packet_loss{access=4g}") >= 0

        @pytest.mark.rehearse("ours.yaml", replications=2)
        def test_marker(rehearsal):
            assert rehearsal.summary["replications"] == 2
            delay = "mouth_to_ear_delay"
            assert rehearsal.low(delay, "p(95)") < rehearsal.value(delay, "p(95)")
            assert rehearsal.value(delay, "p(95)") < rehearsal.high(delay, "p(95)")

        def test_the_same_is_played_once(rehearse, runs):
            assert rehearse("ours.yaml", replications=2) is rehearse("ours.yaml", replications=2)
            assert runs == [(3, 0), (1, 0), (1, 1)]
    """)
    session.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=3)


def test_what_fails_says_why(session: pytest.Pytester) -> None:
    session.makepyfile("""
        import pytest

        def test_threshold(rehearse):
            run = rehearse("ours.yaml", ["thresholds={mouth_to_ear_delay: p(95) < 1ms}"])
            assert run.passed, run.explain()

        def test_scenario(rehearse):
            rehearse("ours.yaml", ["duration=7"])

        def test_interval(rehearse):
            rehearse("ours.yaml").high("mouth_to_ear_delay", "p(95)")

        def test_figure(rehearse):
            rehearse("ours.yaml").value("mouth_to_ear_delay{access=4g,level=commune}", "p(95)")

        def test_bare(rehearsal):
            pass
    """)
    result = session.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(failed=4, errors=1)
    result.stdout.fnmatch_lines_random(
        [
            "*fail: 1 of 1 threshold failed*",
            "*duration: 7*a duration is a number with a unit*",
            "*there is no interval; replicate*",
            "*is none of the figures that are kept*",
            "*needs a marker*",
        ]
    )


def test_sessions_that_rehearse_nothing_load_no_engine(session: pytest.Pytester) -> None:
    session.makeconftest("")
    session.makepyfile("""
        import sys

        def test_nothing():
            assert "numba" not in sys.modules
            assert "matplotlib" not in sys.modules
    """)
    session.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)
