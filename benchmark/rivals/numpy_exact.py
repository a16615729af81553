import numpy

from python_material import Rival, footprint

# Queries whose distances are held at once by a batch.
BLOCK = 100


class NumpyExact(Rival):
    def about(self):
        blas = numpy.show_config(mode="dicts")["Build Dependencies"]["blas"]
        return {"version": numpy.__version__, "build": f"BLAS: {blas.get('name')} {blas.get('version')}"}

    def build(self, options):
        return Index(self)


class Index:
    """|x - q|^2 = |x|^2 - 2 x.q + |q|^2, of which the last term changes no order."""

    def __init__(self, rival):
        self.rival = rival
        self.squares = numpy.einsum("ij,ij->i", rival.points, rival.points)

    def footprint(self, grown):
        points = self.rival.points.nbytes
        return footprint(points + self.squares.nbytes, points, "the points and their squares")

    def set(self, setting, k):
        pass

    def one(self, query, k):
        distances = self.squares - 2 * (self.rival.points @ self.rival.vectors[query])
        return nearest(distances[None], k)

    def all(self, count, k):
        for start in range(0, count, BLOCK):
            block = self.rival.queries[start : min(start + BLOCK, count)]
            nearest(self.squares - 2 * (block @ self.rival.points.T), k)

    def ids(self, result):
        return result[0]


def nearest(distances, k):
    candidates = numpy.argpartition(distances, k - 1, axis=1)[:, :k]
    order = numpy.argsort(numpy.take_along_axis(distances, candidates, axis=1), axis=1)
    return numpy.take_along_axis(candidates, order, axis=1)


open_rival = NumpyExact
