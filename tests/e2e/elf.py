# SPDX-License-Identifier: ISC
"""Makes ELF files, elf(5), right ones and wrong ones."""
import os
import re
import struct

PT_INTERP, PT_NOTE = 3, 4
EXAMPLE = '/usr/bin/env'


def of_this_machine():
    """e_ident and e_machine of programs here."""
    with open(EXAMPLE, 'rb') as f:
        ident, _, machine = struct.unpack('=16sHH', f.read(20))
    return ident, machine


def loader(path):
    """Which dynamic loader a program names, or None."""
    with open(path, 'rb') as f:
        found = re.search(rb'/[\w/.+-]*/ld[\w.+-]*', f.read(8192))
    return found[0].decode() if found else None


def absent_loader():
    """A path where there is nothing, that ends like the loader's here."""
    return '/no/' + os.path.basename(loader(EXAMPLE))


class Elf:
    """A small ELF file of this machine: headers, the loader's path, section
    names, and the table of sections last.  It does nothing, for nothing is
    in it.  Fields are given other values by their names in elf(5)."""

    HEADER = '=16sHHIQQQIHHHHHH'
    SEGMENT = '=IIQQQQQQ'
    SECTION = '=IIQQQQIIQQ'

    def __init__(self, loader='/no/such/ld.so', sections=(), **fields):
        self.fields = fields
        self.loader = b'' if loader is None else loader.encode() + b'\0'
        self.sections = ['', '.shstrtab', *sections]
        self.ident, self.machine = of_this_machine()

    def get(self, name, value):
        return self.fields.get(name, value)

    def segment(self, offset):
        return struct.pack(
            self.SEGMENT, PT_INTERP if self.loader else PT_NOTE, 4,
            self.get('p_offset', offset), 0, 0,
            self.get('p_filesz', len(self.loader)), len(self.loader), 1)

    def table(self, strings, offset):
        return b''.join(struct.pack(
            self.SECTION,
            self.get('sh_name', strings.index(name.encode() + b'\0')),
            3, 0, 0, self.get('sh_offset', offset),
            self.get('sh_size', len(strings)), 0, 0, 1, 0)
            for name in self.sections)

    def header(self, segments, sections):
        return struct.pack(
            self.HEADER, self.get('ident', self.ident),
            self.get('e_type', 2), self.get('e_machine', self.machine), 1,
            0x400000, self.get('e_phoff', segments),
            self.get('e_shoff', sections), 0, struct.calcsize(self.HEADER),
            self.get('e_phentsize', struct.calcsize(self.SEGMENT)),
            self.get('e_phnum', 1),
            self.get('e_shentsize', struct.calcsize(self.SECTION)),
            self.get('e_shnum', len(self.sections)),
            self.get('e_shstrndx', 1))

    def bytes(self):
        strings = b''.join(name.encode() + b'\0' for name in self.sections)
        segments = struct.calcsize(self.HEADER)
        loader = segments + struct.calcsize(self.SEGMENT)
        names = loader + len(self.loader)
        return (self.header(segments, names + len(strings)) +
                self.segment(loader) + self.loader + strings +
                self.table(strings, names))
