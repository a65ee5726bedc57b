#!/bin/sh
# The conformance cases of toml-test against our decoder: tests/toml-test.sh DIR DECODER
# A line for each case that is not right, and the figures at the end.
set -u
dir=${1:?usage: toml-test.sh DIR DECODER} decoder=${2:?usage: toml-test.sh DIR DECODER}

if [ ! -e "$dir/files-toml-1.1.0" ]; then
	echo "toml-test: the cases are not here ($dir), skipped"
	exit 77
fi
exec python3 - "$dir" "$decoder" <<'PYTHON'
import json
import pathlib
import re
import subprocess
import sys


def moment(text):
    """One spelling for every way to write the same date and time."""
    text = text.upper().replace(" ", "T")
    text = re.sub(r"\+00:00$|-00:00$", "Z", text)
    text = re.sub(r"(T|^)(\d\d:\d\d)(?=Z|[+-]|$)", r"\1\2:00", text)
    return re.sub(r"\.(\d*?)0*(?=Z|[+-]|$)", lambda m: "." + m[1] if m[1] else "", text)


def number(text):
    value = float(text)
    return "nan" if value != value else (value, text.lstrip().startswith("-"))


SAME = {"float": number, "integer": int}


def plain(value):
    """The tagged form with each value in one spelling; tags stay, as a type is part of the answer."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if set(value) == {"type", "value"} and isinstance(value["type"], str):
        kind, text = value["type"], value["value"]
        return (kind, SAME.get(kind, moment if "date" in kind or "time" in kind else str)(text))
    return {key: plain(item) for key, item in value.items()}


def judge(case, run):
    """What is wrong, or None."""
    complaint = run.stderr.decode(errors="replace").strip()
    if case.parts[0] == "invalid":
        if run.returncode == 1 and complaint:
            return None
        return f"exit status {run.returncode} instead of 1 with a complaint"
    if run.returncode != 0:
        return f"exit status {run.returncode}: {complaint}"
    wanted = plain(json.loads((root / case.with_suffix(".json")).read_bytes()))
    got = plain(json.loads(run.stdout))
    return None if got == wanted else f"wanted {wanted}, got {got}"


root, decoder = pathlib.Path(sys.argv[1]), str(pathlib.Path(sys.argv[2]).resolve())
names = (root / "files-toml-1.1.0").read_text().split()
cases = [pathlib.Path(name) for name in names if name.endswith(".toml")]
right = 0
for case in cases:
    with open(root / case, "rb") as text:
        run = subprocess.run([decoder], stdin=text, capture_output=True, timeout=20)
    wrong = judge(case, run)
    right += wrong is None
    if wrong:
        print(f"{case}: {wrong}")
print(f"toml-test: {right} of {len(cases)} cases right")
sys.exit(right != len(cases) or not cases)
PYTHON
