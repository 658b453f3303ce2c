from pathlib import Path

from rehearse.outcome import describe_outcome

SUMMARY = {
    "scenario": "small",
    "verdict": "fail",
    "reason": "1 of 3 thresholds failed.",
    "endpoints": 2594,
    "duration_s": 1800.0,
    "thresholds": [
        {
            "metric": "mouth_to_ear_delay{access=4g}",
            "expression": "p(95) < 400ms",
            "value": 0.212,
            "verdict": "pass",
        },
        {
            "metric": "mouth_to_ear_delay{access=4g}",
            "expression": "max < 1s",
            "value": 1.5,
            "verdict": "fail",
            "during": "9min..11min",
        },
        {
            "metric": "packet_loss",
            "expression": "mean < 1%",
            "value": None,
            "verdict": "inconclusive",
            "advisory": True,
        },
        {"metric": "jitter", "expression": "count > 5", "value": 7.0, "verdict": "pass"},
    ],
    "cost": {"wall_s": 36.0, "packet_hops": 3_000_000_000, "peak_rss_bytes": 2**30},
}


def test_the_outcome_reads_like_this() -> None:
    assert describe_outcome(SUMMARY, Path("runs/x")).splitlines() == [
        "✗ FAIL  small, 2,594 endpoints, 30 min. 1 of 3 thresholds failed.",
        "",
        "  mouth_to_ear_delay{access=4g}",
        "    ✓ p(95) < 400ms           p(95) = 212 ms",
        "    ✗ max < 1s  9min..11min   max = 1,500 ms",
        "",
        "  packet_loss",
        "    ? mean < 1%               mean = no data  (advisory)",
        "",
        "  jitter",
        "    ✓ count > 5               count = 7",
        "",
        "  took 36 s (50 × real time), 3,000.0 M packet-hops, at most 1.00 GiB of memory",
        "  report  runs/x/report.html",
        "  run     runs/x",
    ]


def test_one_endpoint_is_singular() -> None:
    text = describe_outcome({**SUMMARY, "endpoints": 1}, Path("x"))
    assert text.startswith("✗ FAIL  small, 1 endpoint, 30 min.")


def test_without_thresholds_there_is_still_an_outcome() -> None:
    text = describe_outcome({**SUMMARY, "thresholds": [], "verdict": "inconclusive"}, Path("x"))
    assert text.startswith("? INCONCLUSIVE  small, ")
