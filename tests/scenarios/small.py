"""A small scenario with tables of its own, for tests that change one thing in it."""

from pathlib import Path

SITES = """\
site,name,level,kind,district,province
p1,Tỉnh Cà Mau,province,tỉnh,,Cà Mau
c1,Phường 1,commune,phường,Thành phố Cà Mau,Cà Mau
c2,Xã An Xuyên,commune,xã,Thành phố Cà Mau,Cà Mau
c3,Xã Tắc Vân,commune,xã,Thành phố Cà Mau,Cà Mau
p2,Tỉnh Bạc Liêu,province,tỉnh,,Bạc Liêu
c4,Phường 2,commune,phường,Thành phố Bạc Liêu,Bạc Liêu
"""
PLACES = """\
province,seat_latitude,seat_longitude
Cà Mau,9.177,105.15
Bạc Liêu,9.285,105.724
"""
SCENARIO = """\
title: Two provinces
duration: 1min
endpoints:
  table: sites.csv
  places: places.csv
  rules:
    - carrier: red
      access: {fibre: 50%, mobile: 50%}
command_centre:
  {name: Centre, latitude: 21, longitude: 105.8, carrier: red, access: fibre, node: north}
carriers:
  red:
    label: Red
    backbone: {capacity: 1Gbps}
    aggregation: {capacity: 1Gbps}
    peering: {capacity: 1Gbps}
access:
  fibre: {label: Fibre, down: {rate: 50Mbps}, up: {rate: 50Mbps}, delay: 2ms}
  mobile: {label: Mobile, down: {rate: 5Mbps}, up: {rate: 1Mbps}, delay: 40ms}
nodes:
  north: {label: North, latitude: 21, longitude: 105.8, carriers: [red], nic: 10Gbps}
  south: {label: South, latitude: 10.8, longitude: 106.7, carriers: [red], nic: 10Gbps}
media:
  video:
    layers:
      - {name: low, height: 180, bitrate: 150kbps}
      - {name: high, height: 720, bitrate: 1200kbps}
meeting:
  floor:
    - {at: 0s, site: command-centre}
    - {at: 20s, site: c1}
thresholds:
  packet_loss{access=mobile}: mean < 1%
"""


def write_small(folder: Path, *changes: tuple[str, str], name: str = "small.yaml") -> Path:
    """Write the scenario and its tables to ``folder``, each change (old, new) made once."""
    text = SCENARIO
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} must be there once"
        text = text.replace(old, new)
    (folder / "sites.csv").write_text(SITES, encoding="utf-8")
    (folder / "places.csv").write_text(PLACES, encoding="utf-8")
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def line_of(text: str, part: str) -> int:
    """The line of ``text`` that holds ``part``, from 1."""
    lines = [number for number, line in enumerate(text.splitlines(), 1) if part in line]
    assert len(lines) == 1, f"{part!r} must be on one line"
    return lines[0]
