"""What every Python adapter begins with: points and queries as single precision rows."""

import numpy


class Rival:
    def __init__(self, material):
        self.points = numpy.load(material["floatPoints"])
        self.queries = numpy.load(material["floatQueries"])
        # A view a query, so that cutting it out is not timed.
        self.rows = [self.queries[row : row + 1] for row in range(len(self.queries))]
        self.vectors = list(self.queries)
        self.threads = material["threads"]
        self.scratch = material["scratch"]


def footprint(size, rows, basis):
    return {"bytes": int(size), "rowBytes": int(rows), "basis": basis}
