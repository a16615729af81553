"""C++ libraries without a Python package that installs: behind plain C functions, see native/*.cpp."""

import ctypes
import json
import os
import sys

import numpy

from python_material import Rival, footprint  # noqa: F401, for the adapters

FLOATS = ctypes.POINTER(ctypes.c_float)
INTEGERS = ctypes.POINTER(ctypes.c_int32)


def load_library(name):
    """The library as --install-python compiled it, and what it was compiled from."""
    folder = os.path.join(sys.prefix, "native")
    try:
        library = ctypes.CDLL(os.path.join(folder, f"lib{name}.so"))
        with open(os.path.join(folder, f"{name}.json")) as file:
            return library, json.load(file)
    except OSError:
        raise ImportError(f"{name} is not built, or not as this system needs it (--install-python builds it, where git and a C++ compiler are)") from None


class NativeRival(Rival):
    name = ""

    def __init__(self, material):
        self.library, self.origin = load_library(self.name)
        super().__init__(material)
        self.function("build").restype = ctypes.c_void_p

    def function(self, what):
        return getattr(self.library, f"{self.name}_{what}")

    def about(self):
        return {"version": self.origin["version"], "build": self.origin["build"]}


class NativeIndex:
    def __init__(self, rival, handle, points, queries):
        if not handle:
            raise RuntimeError(f"{rival.name} refused these points or options")
        self.rival = rival
        self.handle = ctypes.c_void_p(handle)
        self.points, self.queries = points, queries
        self.found = numpy.empty(1024, dtype=numpy.int32)
        self.found_address = self.found.ctypes.data_as(INTEGERS)
        self.addresses = [query.ctypes.data_as(FLOATS) for query in queries]
        self.search, self.search_all = rival.function("search"), rival.function("search_all")

    def one(self, query, k):
        return self.search(self.handle, self.addresses[query], k, self.found_address)

    def all(self, count, k):
        # Each answer is written over the one before.
        self.search_all(self.handle, self.addresses[0], count, k, self.found_address)

    def ids(self, count):
        return self.found[:count]

    def __del__(self):
        if getattr(self, "handle", None):
            self.rival.function("free")(self.handle)
