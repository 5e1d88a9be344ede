#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the source tree and the built programs to the rules of its folders.

    rooms.py [--source DIR] [--build DIR]

The rules are the tables below. Each finding is one line, FILE:LINE: RULE: what is
wrong; REMEDY. The exit status is 1 when there is one. What cannot be checked here
is named in a line that starts with "skipped:".
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
from typing import NamedTuple

# Folder -> the folders whose headers it may include.
ROOMS = {
    'common': {'common'},
    'proto': {'proto', 'common'},
    'bpf': {'bpf'},
    'system-probe': {'system-probe', 'bpf', 'proto', 'common'},
    'core-agent': {'core-agent', 'proto', 'common'},
}

# Folder inside a room -> the headers of that room, outside of it, that it may include, and the
# files outside of it that may include its own.
INNER_ROOMS = {
    'core-agent/cli': ({'core-agent/settings.h', 'core-agent/runtime.h',
                        'core-agent/history/history.h', 'core-agent/intake/endpoint.h',
                        'core-agent/exporters/text.h'},
                       {'core-agent/main.c'}),
}

# Folder -> the libraries whose headers it may include.
ROOM_LIBRARIES = {
    'common': {'libyaml', 'libevent', 'libcap-ng', 'uthash'},
    'proto': {'libprotobuf-c'},
    'bpf': {'libbpf'},
    'system-probe': {'libbpf', 'libelf', 'libmnl', 'libevent', 'libcap-ng', 'uthash'},
    'core-agent': {'libevent', 'libcurl', 'mbedtls', 'libprotobuf-c', 'zstd', 'jansson', 'sqlite',
                   'libcap-ng', 'uthash', 'xxhash', 'ncurses'},
}

# Beginning of a header in <> -> its library. What is not here is libc or the kernel.
LIBRARY_HEADERS = {
    'bpf/': 'libbpf',
    'btf.h': 'libbpf',
    'libbpf.h': 'libbpf',
    'libelf.h': 'libelf',
    'gelf.h': 'libelf',
    'libmnl/': 'libmnl',
    'event2/': 'libevent',
    'event.h': 'libevent',
    'evhttp.h': 'libevent',
    'protobuf-c/': 'libprotobuf-c',
    'google/protobuf-c/': 'libprotobuf-c',
    'yaml.h': 'libyaml',
    'cap-ng.h': 'libcap-ng',
    'sys/capability.h': 'libcap',
    'uthash.h': 'uthash',
    'utlist.h': 'uthash',
    'utarray.h': 'uthash',
    'utstring.h': 'uthash',
    'curl/': 'libcurl',
    'mbedtls/': 'mbedtls',
    'psa/': 'mbedtls',
    'openssl/': 'openssl',
    'gnutls/': 'gnutls',
    'zstd': 'zstd',
    'zlib.h': 'zlib',
    'lz4': 'lz4',
    'lzma.h': 'lzma',
    'jansson.h': 'jansson',
    'sqlite3.h': 'sqlite',
    'xxh3.h': 'xxhash',
    'xxhash.h': 'xxhash',
    'json-c/': 'json-c',
    'curses.h': 'ncurses',
    'ncurses': 'ncurses',
}

# Headers that are made in the build folder -> the folder they belong to.
GENERATED_HEADERS = {'.pb-c.h': 'proto', '.skel.h': 'bpf'}

# Folder -> ending of a header that it may not include although its folder is allowed.
FORBIDDEN_HEADERS = {
    'system-probe': {
        '.bpf.h': 'it is for the kernel side; share what both sides need through bpf/*.h',
        'intake.pb-c.h': 'messages upstream are for core-agent alone',
    },
}

# Program -> the shared libraries it may need itself (what those need is theirs).
LIBC = {'libc', 'libm', 'libpthread', 'libdl', 'librt', 'ld-linux-x86-64', 'ld-linux-aarch64',
        'libgcc_s', 'libatomic'}
SANITIZERS = {'libasan', 'libubsan', 'libtsan', 'liblsan'}
LIBEVENT = {'libevent-2.1', 'libevent_core-2.1', 'libevent_extra-2.1', 'libevent_pthreads-2.1'}
PROGRAMS = {
    'system-probe/system-probe': LIBC | SANITIZERS | LIBEVENT | {
        'libbpf', 'libelf', 'libz', 'libyaml-0', 'libmnl', 'libcap-ng'},
    'core-agent/core-agent': LIBC | SANITIZERS | LIBEVENT | {
        'libyaml-0', 'libprotobuf-c', 'libcap-ng', 'libcurl', 'libcurl-gnutls', 'libmbedtls',
        'libmbedx509', 'libmbedcrypto', 'libzstd', 'libjansson', 'libsqlite3',
        'libxxhash', 'libncursesw', 'libtinfo'},
}

MAX_FILE_LINES = 600
MAX_FUNCTION_LINES = 80

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


class Finding(NamedTuple):
    path: str
    line: int
    rule: str
    text: str

    def __str__(self):
        return f'{self.path}:{self.line}: {self.rule}: {self.text}'


class Tree:
    """The C files of the rooms, by path relative to the source folder."""

    def __init__(self, source):
        self.source = pathlib.Path(source).resolve()
        self.files = sorted(
            path.relative_to(self.source)
            for room in ROOMS
            for path in (self.source / room).rglob('*.[ch]'))
        self.headers = [path for path in self.files if path.suffix == '.h']

    def lines(self, path):
        return (self.source / path).read_text(errors='replace').splitlines()


def room_of(path):
    return path.parts[0]


def find_header(tree, including, name):
    """The rooms of the headers that `name` may mean; empty for none."""
    beside = pathlib.Path(os.path.normpath(including.parent / name))
    if beside in tree.headers:
        return {room_of(beside)}
    for ending, room in GENERATED_HEADERS.items():
        if name.endswith(ending):
            return {room}
    matches = {room_of(header) for header in tree.headers
               if header.as_posix().endswith('/' + name.lstrip('./'))}
    own = room_of(including)
    return {own} if own in matches else matches


def check_own_header(tree, path, number, name):
    room = room_of(path)
    for ending, why in FORBIDDEN_HEADERS.get(room, {}).items():
        if name.endswith(ending):
            return Finding(str(path), number, 'include', f'{room}/ may not include "{name}"; {why}')
    found = find_header(tree, path, name)
    if not found:
        return Finding(str(path), number, 'include',
                       f'"{name}" is no header of ours; write <{name}>, or correct the name')
    if found & ROOMS[room]:
        return None
    allowed = ', '.join(sorted(ROOMS[room]))
    return Finding(str(path), number, 'include',
                   f'{room}/ may not include "{name}" of {", ".join(sorted(found))}/; '
                   f'it may use {allowed}: move what is shared, or pass it in from main')


def resolve(tree, including, name):
    """The path of one of our headers, or None for one of another room or of the system."""
    beside = pathlib.Path(os.path.normpath(including.parent / name))
    from_room = pathlib.Path(room_of(including)) / name
    return next((path for path in (beside, from_room) if path in tree.headers), None)


def check_inner_room(tree, path, number, name):
    header = resolve(tree, path, name)
    for folder, (allowed, users) in INNER_ROOMS.items() if header else ():
        is_inside, is_its_own = (folder in map(str, p.parents) for p in (path, header))
        if is_inside and not is_its_own and str(header) not in allowed:
            return Finding(str(path), number, 'include',
                           f'{folder}/ may not include "{name}"; ask the agent through the IPC API')
        if is_its_own and not is_inside and str(path) not in users:
            return Finding(str(path), number, 'include',
                           f'"{name}" is for {folder}/ and {", ".join(users)} alone')
    return None


def library_of(name):
    for beginning, library in LIBRARY_HEADERS.items():
        if name.startswith(beginning):
            return library
    return None


def check_library_header(path, number, name):
    room = room_of(path)
    library = library_of(name)
    if library is None or library in ROOM_LIBRARIES[room]:
        return None
    return Finding(str(path), number, 'library',
                   f'{room}/ may not use {library} (<{name}>); do it in the process that may, or '
                   'change the tables at the top of this lint')


def check_includes(tree):
    for path in tree.files:
        for number, line in enumerate(tree.lines(path), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            quote, name = match.groups()
            finding = (check_own_header(tree, path, number, name) or
                       check_inner_room(tree, path, number, name) if quote == '"'
                       else check_library_header(path, number, name))
            if finding:
                yield finding


def check_file_sizes(tree):
    for path in tree.files:
        n_lines = len(tree.lines(path))
        if n_lines > MAX_FILE_LINES:
            yield Finding(str(path), n_lines, 'file-size',
                          f'{n_lines} lines, allowed {MAX_FILE_LINES}; split it by what it does')


def check_function_sizes(tree, skip):
    ctags = shutil.which('ctags')
    version = run([ctags, '--version']).stdout if ctags else ''
    if 'Universal Ctags' not in version:
        skip('function sizes: universal-ctags is not installed')
        return
    listing = run([ctags, '-f', '-', '-n', '--fields=+ne', '--c-kinds=f', '--languages=C,C++',
                   '--langmap=C:.c.h'] + [str(path) for path in tree.files], cwd=tree.source)
    for line in listing.stdout.splitlines():
        fields = dict(field.split(':', 1) for field in line.split('\t')[3:] if ':' in field)
        if 'line' not in fields or 'end' not in fields:
            continue
        name, path = line.split('\t')[:2]
        n_lines = int(fields['end']) - int(fields['line']) + 1
        if n_lines > MAX_FUNCTION_LINES:
            yield Finding(path, int(fields['line']), 'function-size',
                          f'{name} has {n_lines} lines, allowed {MAX_FUNCTION_LINES}; '
                          'give its parts names of their own')


def needed_libraries(program):
    listing = run(['readelf', '--dynamic', '--wide', str(program)])
    return re.findall(r'\(NEEDED\).*\[(.*?)\]', listing.stdout)


def check_programs(build, skip):
    for name, allowed in PROGRAMS.items():
        program = build / name
        if not program.is_file():
            skip(f'libraries of {name}: it is not built')
            continue
        for library in needed_libraries(program):
            if library.split('.so')[0] not in allowed:
                yield Finding(name, 0, 'link',
                              f'needs {library}, which this process may not link; '
                              'remove the dependency from its meson.build')


def run(command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def include_folders_built(tree, build):
    """Room -> the -I options its files are compiled with."""
    folders = {room: [] for room in ROOMS}
    database = build / 'compile_commands.json'
    for entry in json.loads(database.read_text()) if database.is_file() else []:
        file = os.path.join(entry['directory'], entry['file'])
        room = pathlib.Path(os.path.relpath(file, tree.source)).parts[0]
        for option in entry['command'].split() if room in ROOMS else []:
            folder = os.path.normpath(os.path.join(entry['directory'], option[2:]))
            if option.startswith('-I') and folder not in folders[room]:
                folders[room].append(folder)
    return folders


def include_folders(tree, build):
    built = include_folders_built(tree, build) if build else {room: [] for room in ROOMS}
    return {room: built[room] or [str(tree.source / other) for other in sorted(allowed)]
            for room, allowed in ROOMS.items()}


def compile_command(path, folders):
    options = ['-fsyntax-only', '-x', 'c', '-std=gnu11', '-D_GNU_SOURCE',
               '-Werror=implicit-function-declaration', '-I', str(path.parent)]
    if path.name.endswith('.bpf.h'):
        multiarch = run(['gcc', '-print-multiarch']).stdout.strip()
        return ['clang', '-target', 'bpf', '-D__bpf__', '-D__TARGET_ARCH_x86', '-idirafter',
                f'/usr/include/{multiarch}'] + options + ['-']
    return ['gcc'] + options + [f'-I{folder}' for folder in folders] + ['-']


def check_header(tree, path, folders, skip):
    command = compile_command(tree.source / path, folders)
    if not shutil.which(command[0]):
        skip(f'{path} by itself: {command[0]} is not installed')
        return None
    result = run(command, input=f'#include "{tree.source / path}"\n')
    if result.returncode == 0:
        return None
    missing = re.search(r'fatal error: \'?([\w./-]+)\'?', result.stderr)
    if missing and any(missing[1].endswith(ending) for ending in GENERATED_HEADERS):
        skip(f'{path} by itself: {missing[1]} is not built')
        return None
    error = next((line for line in result.stderr.splitlines() if 'error:' in line), result.stderr)
    number = re.search(re.escape(path.name) + r':(\d+):', error)
    return Finding(str(path), int(number[1]) if number else 1, 'header-alone',
                   f'does not compile alone ({error.split("error: ")[-1].strip()}); '
                   'include or forward-declare what it uses')


def check_headers(tree, build, skip):
    folders = include_folders(tree, build)
    for path in tree.headers:
        finding = check_header(tree, path, folders[room_of(path)], skip)
        if finding:
            yield finding


def check(source, build, skip):
    tree = Tree(source)
    if not tree.files:
        sys.exit(f'rooms: no C files below {source}')
    findings = [*check_includes(tree), *check_file_sizes(tree), *check_function_sizes(tree, skip),
                *check_headers(tree, build, skip)]
    if build:
        findings += check_programs(build, skip)
    else:
        skip('libraries of the programs: no build folder given')
    return tree, findings


def main():
    parser = argparse.ArgumentParser(description='Check the rules of the folders.')
    parser.add_argument('--source', default=pathlib.Path(__file__).parents[2])
    parser.add_argument('--build', type=pathlib.Path)
    arguments = parser.parse_args()
    build = arguments.build.resolve() if arguments.build else None
    skipped = []
    tree, findings = check(arguments.source, build, skipped.append)
    for reason in skipped:
        print(f'skipped: {reason}')
    for finding in findings:
        print(finding)
    print(f'{len(tree.files)} files, {len(findings)} findings, {len(skipped)} skipped')
    return 1 if findings else 0


if __name__ == '__main__':
    sys.exit(main())
