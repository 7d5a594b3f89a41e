"""elfsym - symbols of a 64-bit ELF program (System V ABI, chapter 4)."""
import struct

SHT_SYMTAB = 2
SHT_NOBITS = 8
SHF_EXECINSTR = 4
STT_FUNC = 2
SECTION = "<IIQQQQIIQQ"     # name type flags addr offset size link info align entsize
SYMBOL = 24                 # bytes: name.4 info.1 other.1 shndx.2 value.8 size.8


def sections(data):
    (offset,) = struct.unpack_from("<Q", data, 40)
    entry, count = struct.unpack_from("<HH", data, 58)
    return [struct.unpack_from(SECTION, data, offset + i * entry) for i in range(count)]


def value_of(data, name):
    """The value of a symbol; None if there is none of that name, ValueError if the program is
    stripped of them all."""
    table = sections(data)
    for _, kind, _, _, offset, size, link, *_ in table:
        if kind != SHT_SYMTAB:
            continue
        names, names_size = table[link][4:6]
        at = data.find(b"\0" + name.encode() + b"\0", names, names + names_size)
        if at < 0:
            return None
        key = struct.pack("<I", at + 1 - names)
        for i in range(offset, offset + size, SYMBOL):
            if data[i:i + 4] == key:
                return struct.unpack_from("<Q", data, i + 8)[0]
        return None
    raise ValueError("no symbols")


def read(data, address, size):
    """Bytes of the program's memory as they are at its start."""
    for _, kind, _, base, offset, length, *_ in sections(data):
        if kind != SHT_NOBITS and base and base <= address and address + size <= base + length:
            return data[offset + address - base:][:size]
    raise ValueError(f"nothing is at {address:#x}")


def go_string(data, name):
    """The text of a string variable; "" if it is zero at the start, or not in the program."""
    address = value_of(data, name)
    if address is None:
        return ""
    try:
        text, length = struct.unpack("<QQ", read(data, address, 16))
    except ValueError:
        return ""
    return read(data, text, length).decode() if length else ""


def functions(data):
    """{address: name} of the program's functions and labels of code."""
    table, found = sections(data), {}
    for _, kind, _, _, offset, size, link, *_ in table:
        if kind != SHT_SYMTAB:
            continue
        names = table[link][4]
        for name, info, _, index, value, length in struct.iter_unpack("<IBBHQQ",
                                                                       data[offset:offset + size]):
            code = index and index < len(table) and table[index][2] & SHF_EXECINSTR
            if code and (info & 15 == STT_FUNC or value not in found and not info & 15):
                end = data.index(b"\0", names + name)
                found[value] = data[names + name:end].decode("utf-8", "replace")
    return found
