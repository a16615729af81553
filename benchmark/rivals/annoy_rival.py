import os
from importlib.metadata import version

from annoy import AnnoyIndex

from python_material import Rival, footprint


class Annoy(Rival):
    def about(self):
        return {"version": version("annoy"), "build": "C++, compiled here by pip"}

    def build(self, options):
        return Index(self, options["trees"])


class Index:
    def __init__(self, rival, trees):
        self.rival = rival
        self.path = os.path.join(rival.scratch, f"{trees}.annoy")
        self.index = AnnoyIndex(rival.points.shape[1], "euclidean")
        self.index.set_seed(1)
        for row, point in enumerate(rival.points):
            self.index.add_item(row, point)
        self.index.build(trees, n_jobs=rival.threads)
        self.budget = -1
        # Plain lists are what it reads fastest.
        self.lists = rival.queries.tolist()

    def footprint(self, grown):
        self.index.save(self.path)
        return footprint(os.path.getsize(self.path), self.rival.points.nbytes, "size of the saved index")

    def set(self, setting, k):
        self.budget = setting["nodes"]

    def one(self, query, k):
        return self.index.get_nns_by_vector(self.lists[query], k, self.budget)

    def ids(self, result):
        return result


open_rival = Annoy
