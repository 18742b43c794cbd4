"""A coverage-guided fuzz target for the upload form and the attestations in it.

    PYTHONPATH=layers/wheelyard:tests python tests/fuzz/fuzz_form.py -max_total_time=60

The options are libFuzzer's. It needs ``atheris``, which exists for some versions of Python only. Anything
but a form or a ``WheelyardError`` is a crash, whose input is left in the current folder; so is more
than 512 MB of memory, or 10 seconds for one input.
"""

import json
import sys
import tempfile
from pathlib import Path

import atheris

from distributions import build_wheel
from forms import BOUNDARY, SIGNATURE, Part, attestation, encode, parts

with atheris.instrument_imports(include=["wheelyard", "multipart", "json"]):
    from wheelyard.errors import WheelyardError
    from wheelyard.publish.attestations import read_provenance
    from wheelyard.publish.form import read_form
    from wheelyard.storage.staging import StagedFile

LIMITS = ("-rss_limit_mb=512", "-timeout=10", "-max_len=8192")
WHEEL = build_wheel("demo", "1.0")


def form(data: bytes) -> None:
    """The first byte says where the body is cut in two, the second whether the boundary is another."""
    boundary = BOUNDARY if data[1] % 8 else data[1:20].decode("latin-1")
    cut = data[0] * 8
    with StagedFile(None) as staged:
        read_form(
            f"multipart/form-data; boundary={boundary}", [data[2:cut], data[cut:]], staged, 4096
        )


def attestations(data: bytes) -> None:
    """The bytes as a form's attestations."""
    read_provenance(data.decode("utf-8", "replace"), WHEEL.filename, WHEEL.sha256)


def statement(data: bytes) -> None:
    """The bytes as the statement of one that is good otherwise."""
    made = attestation(WHEEL)
    made["envelope"]["statement"] = data.decode("utf-8", "replace")
    read_provenance(json.dumps([made]), WHEEL.filename, WHEEL.sha256)


TARGETS = (form, attestations, statement)


def one_input(data: bytes) -> None:
    """The first byte says what the others are taken for."""
    if len(data) < 3:
        return
    try:
        TARGETS[data[0] % len(TARGETS)](data[1:])
    except WheelyardError:
        return


def main() -> None:
    """Run libFuzzer on a corpus of its own, in a temporary folder."""
    made = attestation(WHEEL)
    sent = parts(WHEEL, [Part("gpg_signature", SIGNATURE, "x")], attestations=json.dumps([made]))
    seeds = (
        b"\x00\xff\x01" + encode(sent),
        b"\x00\x10\x01" + encode(parts(WHEEL)),
        b"\x01" + json.dumps([made]).encode(),
        b"\x02" + made["envelope"]["statement"].encode(),
    )
    with tempfile.TemporaryDirectory() as corpus:
        for number, data in enumerate(seeds):
            Path(corpus, str(number)).write_bytes(data)
        atheris.Setup([sys.argv[0], *LIMITS, *sys.argv[1:], corpus], one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
