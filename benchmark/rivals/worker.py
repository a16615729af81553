"""python3 worker.py <adapter.py>: one rival in a process of its own.

Takes requests from stdin and answers on stdout, one JSON object a line; see channel.mjs. Times are taken here,
around nothing but the calls into the library. Anything that a library prints goes to stderr.
"""

import gc
import importlib.util
import json
import os
import sys
import time

replies = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

ADAPTER = os.path.join(os.path.dirname(os.path.abspath(__file__)), sys.argv[1])


class Worker:
    def __init__(self):
        self.rival = None
        self.built = {}

    def open(self, material):
        specification = importlib.util.spec_from_file_location("adapter", ADAPTER)
        adapter = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(adapter)
        self.rival = adapter.open_rival(material)
        return self.rival.about()

    def build(self, plan, options):
        gc.collect()
        before = resident_bytes()
        clock = start_clock()
        index = self.rival.build(options)
        elapsed = clock()
        self.built[plan] = index
        grown = max(0, resident_bytes() - before)
        return {**elapsed, "residentBytes": grown, **index.footprint(grown)}

    def answer(self, plan, setting, k, count, out):
        import numpy

        index = self.built[plan]
        index.set(setting, k)
        answers = numpy.full((count, k), -1, dtype=numpy.int32)
        for query in range(count):
            ids = index.ids(index.one(query, k))
            answers[query, : len(ids)] = ids
        answers.tofile(out)
        return {}

    def time(self, plan, setting, k, count, queries, warmUp, calls):
        index = self.built[plan]
        index.set(setting, k)
        gc.collect()
        gc.disable()
        try:
            if calls == "all":
                index.all(warmUp, k)
                clock = start_clock()
                index.all(count, k)
                return clock()
            one = index.one
            order = [asked % queries for asked in range(warmUp + count)]
            for query in order[:warmUp]:
                one(query, k)
            order = order[warmUp:]
            clock = start_clock()
            for query in order:
                one(query, k)
            return clock()
        finally:
            gc.enable()

    def drop(self, plan):
        del self.built[plan]
        gc.collect()
        return {}


def start_clock():
    start, cpu = time.perf_counter_ns(), time.process_time_ns()

    def stop():
        seconds = (time.perf_counter_ns() - start) / 1e9
        return {"seconds": seconds, "cpuSeconds": (time.process_time_ns() - cpu) / 1e9}

    return stop


def resident_bytes():
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


worker = Worker()
for line in sys.stdin:
    request = json.loads(line)
    number, what = request.pop("id"), request.pop("do")
    try:
        reply = {"id": number, **getattr(worker, what)(**request)}
    except ImportError as error:
        reply = {"id": number, "error": str(error), "missing": True}
    except Exception as error:
        reply = {"id": number, "error": f"{type(error).__name__}: {error}".split("\n")[0], "missing": False}
    # The reader knows a reply by how it begins.
    replies.write(json.dumps(reply, separators=(",", ":")) + "\n")
    replies.flush()

# Nobody asks any more. Freeing an index in an orderly way can take seconds.
os._exit(0)
