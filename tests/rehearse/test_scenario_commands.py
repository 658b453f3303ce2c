import json
from pathlib import Path

import pytest

from scenarios.library import list_library
from scenarios.loading import load_scenario
from tests.rehearse.conftest import Rehearse
from tests.scenarios.small import SITES, write_small

Change = tuple[str, str]


def test_list_shows_the_library(rehearse: Rehearse) -> None:
    ending = rehearse("list")
    assert (ending.code, ending.err) == (0, "")
    lines = ending.out.splitlines()
    found = {line.split()[0]: line for line in lines}
    assert list(found) == [entry.name for entry in list_library()] == sorted(found)
    assert {"national-briefing", "rural-evening", "smoke", "roll-call"} <= set(found)
    assert "2,594 endpoints 30 min A 30-minute national briefing" in " ".join(
        found["national-briefing"].split()
    )


def test_list_as_json(rehearse: Rehearse) -> None:
    entries = json.loads(rehearse("list", "--json").out)
    (smoke,) = [entry for entry in entries if entry["name"] == "smoke"]
    assert smoke == {
        "name": "smoke",
        "title": "Sixty of the national briefing's endpoints for a minute",
        "endpoints": 60,
        "duration_s": 60.0,
    }


def test_validate_takes_names_and_files(rehearse: Rehearse) -> None:
    write_small(Path())
    ending = rehearse("validate", "smoke", "small.yaml")
    assert (ending.code, ending.err) == (0, "")
    assert ending.out == ("smoke: OK, 60 endpoints, 1min\nsmall.yaml: OK, 6 endpoints, 1min\n")
    single = rehearse("validate", "rfc8867-variable-capacity")
    assert single.out.startswith("rfc8867-variable-capacity: OK, 1 endpoint, ")


def test_validate_says_all_that_is_wrong_with_all(rehearse: Rehearse) -> None:
    write_small(Path(), ("delay: 40ms", "delay: 40"), ("duration: 1min", "duraton: 1min"))
    ending = rehearse("validate", "small.yaml", "smoke", "none.yaml")
    assert ending.code == 2
    assert ending.out == "smoke: OK, 60 endpoints, 1min\n"
    assert ending.err == (
        "small.yaml:1: duration — is missing\n"
        "small.yaml:2: duraton — is no key here; did you mean duration?\n"
        "small.yaml:19: access.mobile.delay: 40 — a duration is a number with a unit "
        "(ns, us, µs, ms, s, min, h)\n"
        "none.yaml: there is no such file\n"
    )


def test_validate_as_json(rehearse: Rehearse) -> None:
    write_small(Path(), ("duration: 1min", "duration: 1"))
    ending = rehearse("validate", "--json", "smoke", "small.yaml")
    assert (ending.code, ending.err) == (2, "")
    good, bad = json.loads(ending.out)
    assert good == {"scenario": "smoke", "valid": True, "faults": []}
    assert bad["valid"] is False
    assert bad["faults"] == [
        {
            "path": "small.yaml",
            "line": 2,
            "key": "duration",
            "value": "1",
            "rule": "a duration is a number with a unit (ns, us, µs, ms, s, min, h)",
            "nearest": None,
        }
    ]


def _small(*changes: Change) -> None:
    write_small(Path(), *changes)


def _unknown_key() -> None:
    _small(("duration: 1min", "duration: 1min\nendpoint: {}"))


def _misspelt_carrier() -> None:
    _small(("- carrier: red", "- carrier: rad"))


def _negative_rate() -> None:
    _small(("rate: 5Mbps", "rate: -5Mbps"))


def _no_unit() -> None:
    _small(("delay: 40ms", "delay: 20"))


def _missing_table() -> None:
    _small()
    Path("sites.csv").unlink()


def _duplicate_site() -> None:
    _small()
    Path("sites.csv").write_text(SITES.replace("c3,", "c2,"), encoding="utf-8")


def _uncovered_endpoint() -> None:
    _small(("- carrier: red", "- when: {level: commune}\n      carrier: red"))


def _loop() -> None:
    Path("small.yaml").write_text("extends: other.yaml\n")
    Path("other.yaml").write_text("extends: small.yaml\n")


def _not_utf8() -> None:
    Path("small.yaml").write_bytes("title: Hà Nội\n".encode("utf-16"))


def _too_large() -> None:
    with Path("small.yaml").open("wb") as file:
        file.truncate(200 * 2**20)


def _billion_laughs() -> None:
    laughs = ["a0: &a0 [lol]"]
    laughs += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    Path("small.yaml").write_text("\n".join(laughs))


def _deep() -> None:
    Path("small.yaml").write_text("a: " + "[" * 100_000)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_unknown_key, "small.yaml:3: endpoint — is no key here; did you mean endpoints?"),
        (
            _misspelt_carrier,
            "small.yaml:7: endpoints.rules.0.carrier: 'rad' — must name a carrier of this "
            "scenario; did you mean red?",
        ),
        (
            _negative_rate,
            "small.yaml:19: access.mobile.down.rate: '-5Mbps' — must be more than 0",
        ),
        (
            _no_unit,
            "small.yaml:19: access.mobile.delay: 20 — a duration is a number with a unit "
            "(ns, us, µs, ms, s, min, h)",
        ),
        (
            _missing_table,
            "small.yaml:4: endpoints.table: 'sites.csv' — there is no such file beside the "
            "scenario or in the library; did you mean places.csv?",
        ),
        (
            _duplicate_site,
            "sites.csv:5: site: 'c2' — each site once; line 4 has it already",
        ),
        (
            _uncovered_endpoint,
            "small.yaml:6: endpoints.rules: 'p1 and 1 more' — every endpoint needs a rule that "
            "gives it its access\n"
            "small.yaml:6: endpoints.rules: 'p1 and 1 more' — every endpoint needs a rule that "
            "gives it its carrier",
        ),
        (
            _loop,
            "other.yaml:1: extends: 'small.yaml' — scenarios must not extend one another in a "
            "loop: small → other → small",
        ),
        (_not_utf8, "small.yaml:1: byte 0xff — must be UTF-8 text"),
        (_too_large, "small.yaml: is 200.0 MiB; at most 1 MiB are read"),
        (_billion_laughs, "small.yaml:5: at most 100,000 values, aliases expanded"),
        (_deep, "small.yaml:1: at most 40 maps and lists inside one another"),
    ],
)
@pytest.mark.parametrize("command", ["validate", "show", "simulate"])
def test_bad_input_gives_one_clear_message(
    rehearse: Rehearse, command: str, spoil: object, message: str
) -> None:
    assert callable(spoil)
    spoil()
    ending = rehearse(command, "small.yaml")
    assert ending.code == 2
    assert sorted(ending.err.splitlines()) == sorted(message.splitlines())
    assert ending.out == ""
    assert not Path("results").exists()


def test_show_tells_who_takes_part(rehearse: Rehearse) -> None:
    write_small(Path())
    out = rehearse("show", "small.yaml", "--set", "endpoints.rules.0.access=mobile").out
    assert out.startswith("small: Two provinces\n")
    assert "Endpoints   6 and the command centre" in out
    assert "  level     commune 4, province 2\n" in out
    assert "  access    mobile 6\n" in out
    assert "  layer     high 6\n" in out
    assert "    0:20  Phường 1\n" in out
    assert "  packet_loss{access=mobile}: mean < 1%\n" in out


def test_show_counts_endpoints_without_a_picture(rehearse: Rehearse) -> None:
    write_small(Path(), ("down: {rate: 5Mbps}", "down: {rate: 100kbps}"))
    out = rehearse("show", "small.yaml", "--set", "endpoints.rules.0.access=mobile").out
    assert "  layer     audio only 6\n" in out


def test_show_resolved_loads_again(rehearse: Rehearse) -> None:
    write_small(Path())
    ending = rehearse("show", "small.yaml", "--resolved", "--seed", 5, "--set", "title=Other")
    Path("again.yaml").write_text(ending.out, encoding="utf-8")
    again = load_scenario("again.yaml")
    assert again == load_scenario("small.yaml", ["title=Other"], seed=5)
    assert (again.seed, again.title) == (5, "Other")


def test_show_as_json(rehearse: Rehearse) -> None:
    write_small(Path())
    content = json.loads(rehearse("show", "small.yaml", "--json").out)
    assert content["access"]["mobile"]["delay"]["p50"] == "40ms"
