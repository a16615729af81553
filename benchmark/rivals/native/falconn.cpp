// FALCONN behind plain C functions, for falconn_rival.py.

#include <cstdint>
#include <exception>
#include <memory>
#include <vector>

#include <falconn/lsh_nn_table.h>

namespace {

using Point = falconn::DenseVector<float>;
using Points = falconn::PlainArrayPointSet<float>;

struct Index {
  std::unique_ptr<falconn::LSHNearestNeighborTable<Point>> table;
  std::unique_ptr<falconn::LSHNearestNeighborQuery<Point>> query;
  std::vector<int32_t> found;
  int32_t dim;
};

}  // namespace

extern "C" {

// The points are looked at, not copied. Null when FALCONN refuses.
void* falconn_build(const float* points, int32_t rows, int32_t dim, int32_t cross_polytope, int32_t bits, int32_t tables, int32_t threads) {
  try {
    falconn::LSHConstructionParameters parameters;
    parameters.dimension = dim;
    parameters.lsh_family = cross_polytope ? falconn::LSHFamily::CrossPolytope : falconn::LSHFamily::Hyperplane;
    parameters.distance_function = falconn::DistanceFunction::EuclideanSquared;
    parameters.storage_hash_table = falconn::StorageHashTable::BitPackedFlatHashTable;
    parameters.num_setup_threads = threads;
    parameters.num_rotations = 3;
    parameters.l = tables;
    falconn::compute_number_of_hash_functions<Point>(bits, &parameters);
    auto index = std::make_unique<Index>();
    index->dim = dim;
    index->table = falconn::construct_table<Point, int32_t, Points>(Points{points, rows, dim}, parameters);
    index->query = index->table->construct_query_object(tables);
    return index.release();
  } catch (const std::exception&) {
    return nullptr;
  }
}

void falconn_set(void* handle, int32_t probes) { static_cast<Index*>(handle)->query->set_num_probes(probes); }

int32_t falconn_search(void* handle, const float* query, int32_t k, int32_t* out) {
  auto& index = *static_cast<Index*>(handle);
  // FALCONN takes a vector of its own, so the copy belongs to a search.
  index.query->find_k_nearest_neighbors(Eigen::Map<const Point>(query, index.dim), k, &index.found);
  const auto count = static_cast<int32_t>(index.found.size());
  for (int32_t place = 0; place < count && place < k; ++place) out[place] = index.found[place];
  return count < k ? count : k;
}

void falconn_search_all(void* handle, const float* queries, int32_t count, int32_t k, int32_t* out) {
  const auto dim = static_cast<Index*>(handle)->dim;
  for (int32_t query = 0; query < count; ++query) falconn_search(handle, queries + int64_t{query} * dim, k, out);
}

void falconn_free(void* handle) { delete static_cast<Index*>(handle); }
}
