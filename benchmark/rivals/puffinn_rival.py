from native_library import FLOATS, NativeIndex, NativeRival, ctypes, footprint


class Puffinn(NativeRival):
    name = "puffinn"

    def build(self, options):
        return Index(self, options)


class Index(NativeIndex):
    """Knows angles only; where the metric is Euclidean more is asked for and put in order by distance."""

    def __init__(self, rival, options):
        mean = rival.points.mean(axis=0) if options["centred"] else 0
        points, queries = rival.points - mean, rival.queries - mean
        rows, dim = points.shape
        memory = rows * options["bytesPerVector"]
        handle = rival.function("build")(points.ctypes.data_as(FLOATS), rows, dim, ctypes.c_uint64(memory))
        super().__init__(rival, handle, points, queries)
        self.centred_bytes = points.nbytes + queries.nbytes

    def footprint(self, grown):
        # It keeps the points as 16-bit fractions.
        rows = self.points.size * 2
        return footprint(max(rows, grown - self.centred_bytes), rows, "what the process grew by")

    def set(self, setting, k):
        self.rival.function("set")(self.handle, ctypes.c_float(setting["recall"]), int(setting["refine"]))


open_rival = Puffinn
