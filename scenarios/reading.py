"""Reading a user's text file without trusting it."""

import os
import re
import stat
from pathlib import Path

from scenarios.errors import Fault

_UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What YAML 1.2 (section 5.1) allows in no file; in a table it is a mistake as well."""


def read_text(path: Path, label: str, largest: int) -> tuple[str, Fault | None]:
    """The text of ``path``, or the fault that keeps it from being read; ``label`` names it."""

    def fault(rule: str, line: int | None = None, value: str | None = None) -> tuple[str, Fault]:
        return "", Fault(label, line, "", value, rule)

    try:
        # Size and kind come first: a file of 200 MB or a pipe is never opened.
        if rule := _unfit(path.stat(), largest):
            return fault(rule)
        with path.open("rb") as file:
            data = file.read(largest)
    except (OSError, ValueError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else error
        return fault(f"cannot be read: {reason}")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return fault("must be UTF-8 text", line, f"byte {data[error.start]:#04x}")
    if bad := _UNPRINTABLE.search(text):
        line = text.count("\n", 0, bad.start()) + 1
        return fault("must be text without control characters", line, repr(bad[0]))
    return text, None


def _unfit(status: os.stat_result, largest: int) -> str:
    """Why a file is not to be opened; empty where it may be."""
    if stat.S_ISDIR(status.st_mode):
        return "is a folder; it must be a file"
    if not stat.S_ISREG(status.st_mode):
        return "must be an ordinary file"
    if status.st_size > largest:
        return f"is {status.st_size / 2**20:,.1f} MiB; at most {largest // 2**20} MiB are read"
    return ""
