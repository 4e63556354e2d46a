"""The compiled part of sound."""

from __future__ import annotations

import ctypes

import numpy as np

from tests.fuzz.exhausted.inside import load
from tests.fuzz.exhausted.scene import Attempt, Scene, calls

_Encode = ctypes.CFUNCTYPE(
    ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_int32
)


def scenes(file: str) -> list[Scene]:
    """All, with the compiled module of this file."""
    native = load("_native", file)
    # A function of C that suits: what it is given is not looked at, and no memory is asked for.
    labs = ctypes.cast(ctypes.CDLL(None).labs, ctypes.c_void_p).value
    jobs = [(1, 1, np.zeros(960, np.float32), bytearray(400)) for _ in range(5)]

    def encode() -> Attempt:
        data = [bytearray(400) for _ in jobs]
        given = [(1, 1, sound, one) for (_, _, sound, _), one in zip(jobs, data, strict=True)]

        def after(failed: bool) -> None:
            assert len(native.encode_all(labs, given)) == len(given)
            for one in data:
                one.append(0)  # nobody holds it any more

        return Attempt(native.encode_all, (labs, given), after)

    return [
        Scene("import", lambda: Attempt(load, ("_native", file)), interpreted=True, keeps=True),
        Scene("encode_all", encode),
        calls("wait_until", native.wait_until, 0.0, True),
        Scene("enrol", lambda: Attempt(native.enrol)),
    ]
