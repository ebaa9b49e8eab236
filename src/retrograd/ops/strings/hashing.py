"""Hashes of bytes that files and programs rely on: FarmHash, SipHash, Murmur.

Numbers are Python's, cut to 64 bits after each step.
"""

from __future__ import annotations

import struct

_MASK = 2**64 - 1
_K0, _K1, _K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F
_MURMUR = 0xC6A4A7935BD1E995


def _turn(x: int, by: int) -> int:
    """The bits of x moved to the right, in a circle."""
    x &= _MASK
    return (x >> by | x << (64 - by)) & _MASK


def _mix(x: int) -> int:
    return x ^ (x >> 47)


def _word(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 8], "little")


def _two(u: int, v: int, by: int) -> int:
    """One number of two."""
    a = _mix(((u ^ v) * by) & _MASK)
    b = _mix((((v & _MASK) ^ a) * by) & _MASK)
    return b * by & _MASK


# ---------------------------------------------------------------------- FarmHash


def fingerprint(data: bytes) -> int:
    """FarmHash's 64-bit fingerprint (Geoff Pike, 2014), which never changes."""
    size = len(data)
    if size <= 16:
        return _of_16(data, size)
    if size <= 32:
        return _of_32(data, size)
    return _of_64(data, size) if size <= 64 else _of_more(data, size)


def _of_16(data: bytes, size: int) -> int:
    by = (_K2 + 2 * size) & _MASK
    if size >= 8:
        a, b = (_word(data, 0) + _K2) & _MASK, _word(data, size - 8)
        c = (_turn(b, 37) * by + a) & _MASK
        d = (_turn(a, 25) + b) * by & _MASK
        return _two(c, d, by)
    if size >= 4:
        a = int.from_bytes(data[:4], "little")
        return _two(size + (a << 3), int.from_bytes(data[-4:], "little"), by)
    if not size:
        return _K2
    y = data[0] + (data[size >> 1] << 8)
    z = size + (data[-1] << 2)
    return _mix((y * _K2 & _MASK) ^ (z * _K0 & _MASK)) * _K2 & _MASK


def _ends(data: bytes, size: int, first: int) -> tuple[int, int, int]:
    """Two numbers of the first and the last 16 bytes, and the first of them."""
    by = (_K2 + 2 * size) & _MASK
    a, b = _word(data, 0) * first & _MASK, _word(data, 8)
    c, d = _word(data, size - 8) * by & _MASK, _word(data, size - 16) * _K2
    y = (_turn(a + b, 43) + _turn(c, 30) + d) & _MASK
    return y, (a + _turn(b + _K2, 18) + c) & _MASK, a


def _of_32(data: bytes, size: int) -> int:
    y, z, _ = _ends(data, size, _K1)
    return _two(y, z, (_K2 + 2 * size) & _MASK)


def _of_64(data: bytes, size: int) -> int:
    by = (_K2 + 2 * size) & _MASK
    y, z, a = _ends(data, size, _K2)
    z = _two(y, z, by)
    e, f = _word(data, 16) * by & _MASK, _word(data, 24)
    g = (y + _word(data, size - 32)) * by & _MASK
    h = (z + _word(data, size - 24)) * by & _MASK
    first = (_turn(e + f, 43) + _turn(g, 30) + h) & _MASK
    return _two(first, (e + _turn(f + a, 18) + g) & _MASK, by)


def _weak(data: bytes, at: int, a: int, b: int) -> tuple[int, int]:
    """Two numbers of 32 bytes and two numbers."""
    w, x, y, z = (_word(data, at + 8 * i) for i in range(4))
    a = (a + w) & _MASK
    b = _turn(b + a + z, 21)
    c = a
    a = (a + x + y) & _MASK
    b = (b + _turn(a, 44)) & _MASK
    return (a + z) & _MASK, (b + c) & _MASK


_State = tuple[int, int, int, tuple[int, int], tuple[int, int]]


def _round(data: bytes, at: int, state: _State, by: int, more: int) -> _State:
    """The state after 64 bytes."""
    x, y, z, v, w = state
    x = _turn(x + y + v[0] + _word(data, at + 8), 37) * by & _MASK
    y = _turn(y + v[1] + _word(data, at + 48), 42) * by & _MASK
    x ^= w[1] * more & _MASK
    y = (y + v[0] * more + _word(data, at + 40)) & _MASK
    z = _turn(z + w[0], 33) * by & _MASK
    v = _weak(data, at, v[1] * by, x + w[0])
    w = _weak(data, at + 32, z + w[1], y + _word(data, at + 16))
    return z, y, x, v, w


def _of_more(data: bytes, size: int) -> int:
    y = (81 * _K1 + 113) & _MASK
    z = _mix((y * _K2 + 113) & _MASK) * _K2 & _MASK
    x = (81 * _K2 + _word(data, 0)) & _MASK
    state: _State = (x, y, z, (0, 0), (0, 0))
    rest = (size - 1) & 63
    for at in range(0, size - 1 - rest, 64):
        state = _round(data, at, state, _K1, 1)
    x, y, z, v, w = state
    by = (_K1 + ((z & 0xFF) << 1)) & _MASK
    first = w[0] + rest
    v = ((v[0] + first) & _MASK, v[1])
    w = ((first + v[0]) & _MASK, w[1])
    x, y, z, v, w = _round(data, size - 64, (x, y, z, v, w), by, 9)
    one = _two(v[0], w[0], by) + _mix(y) * _K0 + z
    return _two(one & _MASK, (_two(v[1], w[1], by) + x) & _MASK, by)


# ---------------------------------------------------------------------- others


def murmur(data: bytes) -> int:
    """MurmurHash 2 of 64 bits (Austin Appleby), with TensorFlow's seed."""
    by = _MURMUR
    found = 0xDECAFCAFFE ^ (len(data) * by & _MASK)
    whole = len(data) // 8 * 8
    for at in range(0, whole, 8):
        word = _mix(_word(data, at) * by & _MASK) * by & _MASK
        found = (found ^ word) * by & _MASK
    if whole < len(data):
        found = (found ^ int.from_bytes(data[whole:], "little")) * by & _MASK
    return _mix(_mix(found) * by & _MASK)


def joined_fingerprint(first: int, second: int) -> int:
    """A fingerprint of two fingerprints in their order."""
    by = _MURMUR
    found = first ^ by ^ _mix(second * by & _MASK) * by & _MASK
    return _mix(_mix(found * by & _MASK) * by & _MASK)


def sip(data: bytes, key: tuple[int, int]) -> int:
    """SipHash-2-4 (Aumasson and Bernstein, 2012): only who has the key foresees it."""
    k0, k1 = (k & _MASK for k in key)
    state = [
        k0 ^ 0x736F6D6570736575,
        k1 ^ 0x646F72616E646F6D,
        k0 ^ 0x6C7967656E657261,
        k1 ^ 0x7465646279746573,
    ]
    whole = len(data) // 8 * 8
    last = data[whole:].ljust(7, b"\0") + bytes([len(data) & 0xFF])
    for (word,) in struct.iter_unpack("<Q", data[:whole] + last):
        state[3] ^= word
        _sip_rounds(state, 2)
        state[0] ^= word
    state[2] ^= 0xFF
    _sip_rounds(state, 4)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def _sip_rounds(state: list[int], count: int) -> None:
    a, b, c, d = state
    for _ in range(count):
        a = (a + b) & _MASK
        b = _turn(b, 51) ^ a
        a = _turn(a, 32)
        c = (c + d) & _MASK
        d = _turn(d, 48) ^ c
        a = (a + d) & _MASK
        d = _turn(d, 43) ^ a
        c = (c + b) & _MASK
        b = _turn(b, 47) ^ c
        c = _turn(c, 32)
    state[:] = a, b, c, d
