import subprocess
import sys

from benchmarks.live_scale import Look, Watch

COMMAND = """
import sys, time
for line in ("0 of 3 have joined", "0:00 of 0:20 played, 3 of 3 have joined", "writing the run"):
    print("rehearse:", line, file=sys.stderr, flush=True)
"""


def test_phases_are_told_by_what_the_command_says() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    watch = Watch(process)
    watch.run()
    assert list(watch.phases) == ["joining", "playing", "over"]
    assert process.stderr is not None
    process.stderr.close()


def test_processor_time_is_told_by_role_and_phase() -> None:
    watch = Watch(None)  # type: ignore[arg-type]
    watch.phases = {"joining": 10.0, "playing": 20.0}
    watch.looks = [
        Look(10.0, {"server": 1.0}, 0),
        Look(20.0, {"server": 4.0, "clients": 2.0}, 0),
        Look(30.0, {"server": 5.0, "clients": 3.5}, 0),
    ]
    assert watch.spent("joining", "playing") == {"server": 3.0, "clients": 2.0}
    assert watch.spent("playing", "over") == {"server": 1.0, "clients": 1.5}
