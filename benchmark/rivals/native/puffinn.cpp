// PUFFINN behind plain C functions, for puffinn_rival.py.

#include <algorithm>
#include <cstdint>
#include <exception>
#include <memory>
#include <utility>
#include <vector>

#include <puffinn.hpp>

namespace {

struct Index {
  puffinn::Index<puffinn::CosineSimilarity> tables;
  const float* points;
  int32_t dim;
  float recall = 0.9f;
  // 0: the order is PUFFINN's. Else so many times k are asked for and put in order by Euclidean distance.
  int32_t refine = 0;
  std::vector<float> query;
  std::vector<std::pair<float, uint32_t>> ranked;
};

}  // namespace

extern "C" {

// The points are also looked at when answers are put in order. Null when PUFFINN refuses.
void* puffinn_build(const float* points, int32_t rows, int32_t dim, uint64_t memory) {
  try {
    auto index = std::make_unique<Index>(Index{puffinn::Index<puffinn::CosineSimilarity>(static_cast<unsigned>(dim), memory), points, dim});
    for (int32_t row = 0; row < rows; ++row) {
      const auto* start = points + int64_t{row} * dim;
      index->tables.insert(std::vector<float>(start, start + dim));
    }
    index->tables.rebuild();
    return index.release();
  } catch (const std::exception&) {
    return nullptr;
  }
}

void puffinn_set(void* handle, float recall, int32_t refine) {
  auto& index = *static_cast<Index*>(handle);
  index.recall = recall;
  index.refine = refine;
}

int32_t puffinn_search(void* handle, const float* query, int32_t k, int32_t* out) {
  auto& index = *static_cast<Index*>(handle);
  index.query.assign(query, query + index.dim);
  const auto asked = static_cast<unsigned>(index.refine > 0 ? k * index.refine : k);
  const auto found = index.tables.search(index.query, asked, index.recall);
  if (index.refine == 0) {
    const auto count = std::min<size_t>(found.size(), k);
    std::copy_n(found.begin(), count, out);
    return static_cast<int32_t>(count);
  }
  index.ranked.clear();
  for (const auto id : found) {
    const auto* point = index.points + int64_t{id} * index.dim;
    float square = 0;
#pragma omp simd reduction(+ : square)
    for (int32_t column = 0; column < index.dim; ++column) {
      const float difference = point[column] - query[column];
      square += difference * difference;
    }
    index.ranked.emplace_back(square, id);
  }
  const auto count = std::min<size_t>(index.ranked.size(), k);
  std::partial_sort(index.ranked.begin(), index.ranked.begin() + count, index.ranked.end());
  for (size_t place = 0; place < count; ++place) out[place] = static_cast<int32_t>(index.ranked[place].second);
  return static_cast<int32_t>(count);
}

void puffinn_search_all(void* handle, const float* queries, int32_t count, int32_t k, int32_t* out) {
  const auto dim = static_cast<Index*>(handle)->dim;
  for (int32_t query = 0; query < count; ++query) puffinn_search(handle, queries + int64_t{query} * dim, k, out);
}

void puffinn_free(void* handle) { delete static_cast<Index*>(handle); }
}
