# SPDX-License-Identifier: ISC
"""What src/build.mk links into each program, on this system: what a test
looks at is what is built."""
import platform
import re

import harness

BUILD_MK = harness.TOP / 'src' / 'build.mk'


def definitions():
    """NAME = value of each variable; the file keeps to `=`."""
    text = BUILD_MK.read_text().replace('\\\n', ' ')
    found = dict(re.findall(r'^([A-Z]\w*) = *(.*)$', text, re.MULTILINE))
    found['OS'] = platform.system()
    if not (harness.BUILD / f"loader_{found['LOADER']}.o").exists():
        found['LOADER'] = 'dynamic'     # a build for sanitizers
    return found


def expand(text, variables):
    """$(NAME), also with a name that is made of others; empty if unknown."""
    while '$(' in text:
        text = re.sub(r'\$\((\w+)\)',
                      lambda found: variables.get(found[1], ''), text)
    return text


def objects(*names):
    """The objects that these variables list, without .o and directory."""
    variables = dict(definitions(), B='')
    words = expand(' '.join(f'$({name})' for name in names), variables)
    listed = [re.fullmatch(r'/(\w+)\.o', word) for word in words.split()]
    if not listed or None in listed:
        raise AssertionError(f'{names}: {words}')
    return sorted({each[1] for each in listed})


def linked(program):
    """The objects of a program: the variables in its rule."""
    text = BUILD_MK.read_text().replace('\\\n', ' ')
    rule = re.search(rf'^\$\(B\)/{program}: (.*)$', text, re.MULTILINE)
    return objects(*re.findall(r'\$\((\w+)\)', rule[1]))


def sources(program):
    """{object: its source} of a program, as paths from the top."""
    text = BUILD_MK.read_text().replace('\\\n', ' ')
    found = dict(re.findall(r'^\$\(B\)/(\w+)\.o: (\S+\.c)', text,
                            re.MULTILINE))
    return {name: found[name] for name in linked(program)}
