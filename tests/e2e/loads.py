# SPDX-License-Identifier: ISC
"""New connections all the time, from a process of its own, so that what the
test does meanwhile does not make them wait.

Load is what a test holds; run() is what runs in the process: threads that each
make one connection after another, with a rest between, until standard input
ends.  Then each connection is told of in a line of JSON: when it was begun
(time.monotonic() is the same for all processes), how long it took to its echo,
and what came of it.
"""
import json
import subprocess
import sys
import threading
import time

import held
import wire

REST = 0.004            # seconds: a few hundred connections in a second


def visit(port, tls, seconds=8):
    """One short connection to a tenant that echoes: 'echo', 'refused', 'hung'
    or 'cut', and by what."""
    flight = wire.hello('a.example') if tls else wire.tunnel('a.example')
    try:
        with wire.connect(port, seconds) as client:
            client.sendall(flight)
            answer = held.exactly(client, len(flight))
    except TimeoutError:
        return 'hung'
    except OSError as error:
        return f'cut: {error}'
    if answer == wire.echoed(flight):
        return 'echo'
    return 'refused' if answer else 'cut'


def timed(port, tls):
    """Gives how long it took, and what came of it."""
    began = time.monotonic()
    result = visit(port, tls)
    return time.monotonic() - began, result


class Load:
    def __init__(self, case, daemon, threads=4):
        self.process = subprocess.Popen(
            [sys.executable, __file__, str(daemon.tls), str(daemon.http),
             str(threads)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True)
        case.addCleanup(self.kill)
        self.process.stdout.readline()      # it has begun

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def stop(self):
        """Gives (begun, seconds, result) of each connection."""
        lines, _ = self.process.communicate()
        visits = [json.loads(line) for line in lines.splitlines()]
        if len(visits) < 20:
            raise AssertionError(f'no load: {visits}')
        return visits


def failed(visits):
    return [visit for visit in visits if visit[2] != 'echo']


def slowest(visits):
    return max(visit[1] for visit in visits)


def run(tls, http, threads):
    stop, visits = threading.Event(), []

    def work(turn):
        while not stop.is_set():
            begun = time.monotonic()
            turn = not turn
            seconds, result = timed(tls if turn else http, turn)
            visits.append((begun, seconds, result))
            time.sleep(REST)
    working = [threading.Thread(target=work, args=(i % 2 == 0,))
               for i in range(threads)]
    for thread in working:
        thread.start()
    print('begun', flush=True)
    sys.stdin.read()
    stop.set()
    for thread in working:
        thread.join()
    for one in visits:
        print(json.dumps(one))


if __name__ == '__main__':
    run(*(int(word) for word in sys.argv[1:]))
