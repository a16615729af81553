import os
from importlib.metadata import version

import hnswlib

from python_material import Rival, footprint


class Hnswlib(Rival):
    def about(self):
        return {"version": version("hnswlib"), "build": "C++, compiled here by pip with -O3 -march=native"}

    def build(self, options):
        return Index(self, options)


class Index:
    def __init__(self, rival, options):
        self.rival = rival
        rows, dim = rival.points.shape
        self.graph = hnswlib.Index("l2", dim)
        self.graph.init_index(rows, M=options["M"], ef_construction=options["efConstruction"], random_seed=100)
        self.graph.set_num_threads(rival.threads)
        self.graph.add_items(rival.points, num_threads=rival.threads)

    def footprint(self, grown):
        path = os.path.join(self.rival.scratch, "graph.hnsw")
        self.graph.save_index(path)
        size = os.path.getsize(path)
        os.remove(path)
        return footprint(size, self.rival.points.nbytes, "size of the saved index")

    def set(self, setting, k):
        self.graph.set_ef(setting["ef"])

    def one(self, query, k):
        return self.graph.knn_query(self.rival.rows[query], k, 1)

    def all(self, count, k):
        return self.graph.knn_query(self.rival.queries[:count], k, self.rival.threads)

    def ids(self, result):
        return result[0][0]


open_rival = Hnswlib
