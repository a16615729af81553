import faiss

from python_material import Rival, footprint


class Faiss(Rival):
    def __init__(self, material):
        super().__init__(material)
        faiss.omp_set_num_threads(self.threads)

    def about(self):
        return {"version": faiss.__version__, "build": f"pip wheel, {faiss.get_compile_options().strip()}"}

    def build(self, options):
        return Index(self, **options)


class Index:
    def __init__(self, rival, kind, **options):
        self.rival = rival
        self.kind = kind
        dim = rival.points.shape[1]
        if kind == "flat":
            self.index = faiss.IndexFlatL2(dim)
        elif kind == "hnsw":
            self.index = faiss.IndexHNSWFlat(dim, options["M"])
            self.index.hnsw.efConstruction = options["efConstruction"]
        elif kind == "ivf":
            self.index = faiss.index_factory(dim, f"IVF{options['lists']},Flat")
        elif kind == "ivf-pq":
            self.index = faiss.index_factory(dim, f"IVF{options['lists']},PQ{options['parts']}x4fs,RFlat")
        elif kind == "lsh":
            self.index = faiss.IndexRefineFlat(faiss.IndexLSH(dim, options["bits"], True, True))
        else:
            raise ValueError(f"kind {kind}")
        if not self.index.is_trained:
            self.index.train(rival.points)
        self.index.add(rival.points)
        self.parameters = None

    def footprint(self, grown):
        size = faiss.serialize_index(self.index).nbytes
        return footprint(size, self.rival.points.nbytes, "size of the serialised index")

    def set(self, setting, k):
        if self.kind == "hnsw":
            self.index.hnsw.efSearch = setting["ef"]
        elif self.kind == "ivf":
            self.index.nprobe = setting["probes"]
        elif self.kind == "ivf-pq":
            faiss.downcast_index(self.index.base_index).nprobe = setting["probes"]
            self.index.k_factor = setting["refine"]
        elif self.kind == "lsh":
            self.index.k_factor = setting["refine"]

    def one(self, query, k):
        return self.index.search(self.rival.rows[query], k)

    def all(self, count, k):
        return self.index.search(self.rival.queries[:count], k)

    def ids(self, result):
        return result[1][0]


open_rival = Faiss
