"""Rewrites a Q8_0 GGUF file with its quantised tensors in F16: to_f16.py IN OUT. The same weights, other arithmetic."""
import struct
import sys

import numpy as np

SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
F32, F16, Q8_0 = 0, 1, 8


class Cursor:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, form):
        values = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return values[0] if len(values) == 1 else values

    def skip_text(self):
        length = self.take("Q")
        self.at += length

    def skip_value(self, kind):
        if kind == 8:
            self.skip_text()
        elif kind == 9:
            inner, count = self.take("IQ")
            for _ in range(count):
                self.skip_value(inner)
        else:
            self.at += SIZES[kind]


def padded(size):
    return (size + 31) // 32 * 32


def main(source, target):
    data = open(source, "rb").read()
    cursor = Cursor(data)
    magic, version, tensors, keys = cursor.take("IIQQ")
    for _ in range(keys):
        cursor.skip_text()
        cursor.skip_value(cursor.take("I"))
    header = data[: cursor.at]
    infos = []
    for _ in range(tensors):
        begin = cursor.at
        cursor.skip_text()
        name = data[begin : cursor.at]
        dims = cursor.take("I")
        shape = [cursor.take("Q") for _ in range(dims)]
        kind, offset = cursor.take("IQ")
        infos.append((name, shape, kind, offset))
    base = padded(cursor.at)
    table, payload, at = b"", [], 0
    for name, shape, kind, offset in infos:
        count = int(np.prod(shape))
        if kind == Q8_0:
            blocks = np.frombuffer(data, np.dtype([("d", "<f2"), ("q", "i1", 32)]), count // 32, base + offset)
            values = (blocks["d"].astype("f4")[:, None] * blocks["q"]).astype("<f2").tobytes()
            kind = F16
        else:
            values = data[base + offset : base + offset + count * {F32: 4, F16: 2}[kind]]
        table += name + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *shape) + struct.pack("<IQ", kind, at)
        payload.append(values + bytes(padded(len(values)) - len(values)))
        at += len(payload[-1])
    with open(target, "wb") as out:
        out.write(header + table)
        out.write(bytes(padded(out.tell()) - out.tell()))
        for part in payload:
            out.write(part)


main(sys.argv[1], sys.argv[2])
