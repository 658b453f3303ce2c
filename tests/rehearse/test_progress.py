import errno
import io
import threading

import pytest

from rehearse import endings
from rehearse.progress import LOADING, Lines, Pace, counter, meter
from simulations import Progress


class Clock:
    """Says the times it was given, one after another, then the last for ever."""

    def __init__(self, *times: float) -> None:
        self.times = list(times)

    def __call__(self) -> float:
        return self.times.pop(0) if len(self.times) > 1 else self.times[0]


class Full(io.StringIO):
    def write(self, _text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def playing(now_s: float) -> Progress:
    return Progress(now_s, 600.0, "playing")


def test_pace_counts_from_the_first_interval() -> None:
    pace = Pace(Clock(100.0, 102.0))
    assert pace.describe(playing(5.0)) == ""  # the engine may have been compiled before it
    assert pace.describe(playing(105.0)) == "50 × real time, 10 s left"


def test_lines_come_every_five_seconds() -> None:
    stream = io.StringIO()
    now = Clock(0.0)
    lines = Lines(stream, now)
    lines(Progress(0.0, 600.0, "compiling"))
    for second, played in ((1.0, 10.0), (3.0, 110.0), (7.0, 310.0), (8.0, 360.0)):
        now.times = [second]
        lines(playing(played))
    assert stream.getvalue().splitlines() == [
        f"rehearse: {LOADING}",
        "rehearse: 0:10 of 10:00 played",
        "rehearse: 5:10 of 10:00 played, 50 × real time, 6 s left",
    ]


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with meter(quiet=True) as tell:
        tell(playing(5.0))
    assert capsys.readouterr() == ("", "")


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    stream = Terminal()
    with meter(quiet=False, stream=stream) as tell:
        tell(Progress(0.0, 600.0, "compiling"))
        tell(playing(5.0))
        tell(playing(300.0))
    assert "5:00 of 10:00 played" in stream.getvalue()
    assert "× real time" in stream.getvalue()


def test_elsewhere_there_are_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    stream = Terminal()
    with meter(quiet=False, stream=stream) as tell:
        tell(playing(5.0))
    assert stream.getvalue() == "rehearse: 0:05 of 10:00 played\n"


@pytest.mark.parametrize("quiet", [True, False])
@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_a_signal_that_got_lost_ends_the_run_all_the_same(
    monkeypatch: pytest.MonkeyPatch, quiet: bool, stream: type[io.StringIO]
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    came = threading.Event()
    monkeypatch.setattr(endings, "_interrupted", came)
    with meter(quiet=quiet, stream=stream()) as tell:
        tell(playing(5.0))
        came.set()  # by the handler, whose exception nobody passed on
        with pytest.raises(KeyboardInterrupt):
            tell(playing(10.0))


def test_replications_are_counted_every_few_seconds() -> None:
    stream, now = io.StringIO(), [0.0]
    tell = counter(False, 4, stream, lambda: now[0])
    for done, second in ((1, 0.0), (2, 1.0), (3, 6.0), (4, 6.5)):
        now[0] = second
        tell(done)
    assert stream.getvalue().splitlines() == [
        f"rehearse: {done} of 4 replications played" for done in (1, 3, 4)
    ]


def test_quiet_replications_are_not_counted() -> None:
    stream = io.StringIO()
    counter(True, 4, stream)(4)
    assert stream.getvalue() == ""


def test_a_run_goes_on_though_nobody_reads_its_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    with meter(False, Full()) as tell:
        tell(Progress(0.0, 60.0, "playing"))
        tell(Progress(60.0, 60.0, "ended"))
    monkeypatch.setattr("sys.stderr", None)
    with meter(False) as tell:
        tell(Progress(0.0, 60.0, "playing"))
