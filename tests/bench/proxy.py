# SPDX-License-Identifier: ISC
"""A proxy under test, and what the kernel says of its processes."""
import collections
import os
import pathlib
import re
import socket
import subprocess
import time


class Proxy:
    """A proxy under test: a command that listens on a port of its own.

    Raises SystemExit with what it said when it does not.  said: a file."""

    def __init__(self, name, command, port, said):
        self.name, self.port = name, port
        with open(said, 'w') as log:
            self.process = subprocess.Popen(
                [str(word) for word in command], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log)
        for _ in range(200):
            with socket.socket() as s:
                if s.connect_ex(('127.0.0.1', port)) == 0:
                    return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        self.stop()
        raise SystemExit(f'{name} does not answer on port {port}; '
                         f'it said:\n{said.read_text()}')

    def at(self, name, port):
        """The same processes, seen at another of their ports."""
        view = object.__new__(Proxy)
        view.name, view.port, view.process = name, port, self.process
        return view

    def pids(self):
        found, todo = [], [self.process.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            with open(f'/proc/{pid}/task/{pid}/children') as f:
                todo += [int(word) for word in f.read().split()]
        return found

    def cpu_of_each(self):
        """Seconds of CPU of its processes, by their programs' names."""
        seconds = collections.Counter()
        for pid in self.pids():
            name = pathlib.Path(f'/proc/{pid}/comm').read_text().strip()
            # in nanoseconds; /proc/PID/stat has them in ticks of 10 ms
            for task in pathlib.Path(f'/proc/{pid}/task').iterdir():
                ran = (task / 'schedstat').read_text().split()[0]
                seconds[name] += int(ran) / 1e9
        return seconds

    def cpu(self):
        """Seconds of CPU of all its processes."""
        return sum(self.cpu_of_each().values())

    def memory(self):
        """Bytes of its own: PSS of all its processes."""
        total = 0
        for pid in self.pids():
            with open(f'/proc/{pid}/smaps_rollup') as f:
                total += int(re.search(r'^Pss:\s+(\d+)', f.read(),
                                       re.M).group(1)) * 1024
        return total

    def descriptors(self):
        return sum(len(os.listdir(f'/proc/{pid}/fd')) for pid in self.pids())

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(3)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Direct:
    """No proxy at all: the tenant's own port."""

    name = 'direct'

    def __init__(self, port):
        self.port = port

    def cpu(self):
        return 0.0

    def memory(self):
        return 0

    def descriptors(self):
        return 0
