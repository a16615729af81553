from native_library import FLOATS, NativeIndex, NativeRival, footprint


class Falconn(NativeRival):
    name = "falconn"

    def build(self, options):
        return Index(self, options)


class Index(NativeIndex):
    """Hashes angles, so points are centred where the metric is Euclidean, as its authors advise."""

    def __init__(self, rival, options):
        mean = rival.points.mean(axis=0) if options["centred"] else 0
        points, queries = rival.points - mean, rival.queries - mean
        rows, dim = points.shape
        handle = rival.function("build")(
            points.ctypes.data_as(FLOATS), rows, dim,
            int(options["family"] == "cross-polytope"), options["bits"], options["tables"], rival.threads,
        )
        super().__init__(rival, handle, points, queries)
        self.centred_bytes = points.nbytes + queries.nbytes

    def footprint(self, grown):
        points = self.points.nbytes
        tables = max(0, grown - self.centred_bytes)
        return footprint(points + tables, points, "the points and what the process grew by beside them")

    def set(self, setting, k):
        self.rival.function("set")(self.handle, setting["probes"])


open_rival = Falconn
