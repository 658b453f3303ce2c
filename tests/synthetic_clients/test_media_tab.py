from synthetic_clients.media_tab import media_rows


def test_values_are_shown_in_units_that_read_well() -> None:
    latest = {
        "generator_drops": 1234.0, "one_way_delay_p95": 0.0875, "packet_loss": 0.00125,
        "bitrate": 1_340_240.0, "audio_mos": 4.29446, "jitter": 0.0, "round_trip_time": 1.5,
    }  # fmt: skip
    rows = [(row["metric"], row["value"]) for row in media_rows("2 of 3", "1 s of 9 s", latest)]
    assert rows == [
        ("Joined", "2 of 3"),
        ("Played", "1 s of 9 s"),
        ("Audio MOS", "4.29"),
        ("Bitrate", "1.34 Mbit/s"),
        ("Jitter", "0 ms"),
        ("One way delay, p95", "87.5 ms"),
        ("Packet loss", "0.125 %"),
        ("Round trip time", "1.5 s"),
        ("Generator drops", "1,234"),
    ]
