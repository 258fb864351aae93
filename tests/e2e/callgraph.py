# SPDX-License-Identifier: ISC
"""Who calls whom in the objects of a program, as objdump(1) shows it.

What is known of a function is what its code refers to: calls, and addresses
that it takes.  A function whose address is taken anywhere, in code or in a
table, may be called by anyone at any time.
"""
import bisect
import re
import subprocess

import harness

FUNCTION = re.compile(r'^([0-9a-f]+) <([^>]+)>:$')
SECTION = re.compile(r'^Disassembly of section (\S+):$')
RELOCATION = re.compile(r'^\s+[0-9a-f]+: (R_\w+)\s+(\S+)$')
DATA = re.compile(r'^[0-9a-f]{8,} (R_\w+)\s+(\S+)$')
RECORDS = re.compile(r'^RELOCATION RECORDS FOR \[(\S+)\]:$')
INSTRUCTION = re.compile(r'^\s+[0-9a-f]+:\s+(\S+)(.*)$')
CALL = re.compile(r'(bnd|notrack)?(call|jmp|j[a-z]+|bl?|b\.\w+|cbn?z|tbn?z)q?')
PLACE = re.compile(r'(\.\S+?)(?:([-+])0x([0-9a-f]+))?')
CLONE = re.compile(r'\.(cold|part|isra|constprop|lto_priv)\b.*')


def output(*command):
    return subprocess.run(command, capture_output=True, text=True,
                          check=True).stdout.splitlines()


def plain(name):
    """The name in the source of a function that the compiler has split."""
    return CLONE.sub('', name.split('@')[0])


class Object:
    """One object: its functions, {function: names that it calls}, {function:
    names whose address it takes}, and the same of its tables as `data`."""

    def __init__(self, name):
        self.name = name
        self.calls, self.takes, self.data = {}, {}, set()
        self.exported = set()
        self.starts = {}        # section: [(address, function)]
        path = str(harness.BUILD / (name + '.o'))
        self.foreign = {plain(line.split()[-1])
                        for line in output('nm', '-u', path)}
        code = output('objdump', '-dr', '--no-show-raw-insn', path)
        self.find_functions(code)
        self.read_code(code)
        self.read_data(output('objdump', '-r', path))
        for line in output('nm', '-g', '--defined-only', path):
            self.exported.add(line.split()[2])

    def find_functions(self, code):
        section = None
        for line in code:
            if (found := SECTION.match(line)):
                section = found[1]
            elif (found := FUNCTION.match(line)):
                self.starts.setdefault(section, []).append(
                    (int(found[1], 16), plain(found[2])))
                self.calls.setdefault(plain(found[2]), set())
                self.takes.setdefault(plain(found[2]), set())

    def target(self, kind, value):
        """The function, or the symbol elsewhere, that is meant; None for
        data of our own."""
        place = PLACE.fullmatch(value)
        if place is None:
            return plain(re.sub(r'[-+]0x[0-9a-f]+$', '', value))
        if place[1] not in self.starts:
            return None
        offset = int((place[2] or '') + (place[3] or '0'), 16)
        if re.search(r'X86_64_(PC|PLT)32', kind):
            offset += 4         # counted from the instruction's end
        starts = self.starts[place[1]]
        return starts[bisect.bisect_right(starts, (offset, '\xff')) - 1][1]

    def read_code(self, code):
        """An operand is what objdump says unless a linker is to fill it in:
        then a line about that follows."""
        function, is_call = None, False
        for line, after in zip(code, code[1:] + ['']):
            if (found := FUNCTION.match(line)):
                function = plain(found[2])
            elif (found := RELOCATION.match(line)):
                self.refer(function, is_call, self.target(*found.groups()))
            elif (found := INSTRUCTION.match(line)):
                is_call = CALL.fullmatch(found[1]) is not None
                inside = re.search(r'<([^>+]+)(\+0x\w+)?>$', found[2])
                if inside and plain(inside[1]) in self.calls and \
                        not RELOCATION.match(after):
                    self.refer(function, is_call, plain(inside[1]))

    def refer(self, function, is_call, name):
        if name != function and (name in self.calls or name in self.foreign):
            (self.calls if is_call else self.takes)[function].add(name)

    def read_data(self, lines):
        section = None
        for line in lines:
            if (found := RECORDS.match(line)):
                section = found[1]
            elif (found := DATA.match(line)) and section.startswith(
                    ('.data', '.rodata', '.init_array', '.fini_array')) and \
                    re.search(r'_(ABS)?64$', found[1]):
                self.data.add(self.target(*found.groups()))
        self.data.discard(None)


class Program:
    """All objects of one program.  Functions are (object, name)."""

    def __init__(self, names):
        self.objects = [Object(name) for name in names]
        self.exports = {name: each.name for each in self.objects
                        for name in each.exported}
        self.calls, self.takes, self.roots = {}, {}, set()
        for each in self.objects:
            for name in each.calls:
                self.calls[each.name, name] = {
                    self.meant(each, to) for to in each.calls[name]}
                self.takes[each.name, name] = {
                    self.meant(each, to) for to in each.takes[name]}
                self.roots |= self.takes[each.name, name]
            self.roots |= {self.meant(each, to) for to in each.data}

    def meant(self, by, name):
        """(object, name) of ours, or (None, name) of a library."""
        if name in by.calls:
            return by.name, name
        return self.exports.get(name), name

    def reached(self, roots, without=()):
        """Every function and library symbol that these can come to, not by
        way of those of the names `without`."""
        seen, left = set(), [root for root in roots]
        while left:
            function = left.pop()
            if function in seen or function[1] in without:
                continue
            seen.add(function)
            left += self.calls.get(function, ())
            left += self.takes.get(function, ())
        return seen

    def callers(self, name):
        """The names of the functions that refer to one of ours."""
        return {function[1] for function in self.calls
                if any(to[0] is not None and to[1] == name
                       for to in self.calls[function] | self.takes[function])
                and function[1] != name}
