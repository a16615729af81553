//! Which points may be found.

/// Points that a search may return, or must not, by id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    ids: Ids,
    /// Whether the ids are those that may be found, or those that must not.
    allow: bool,
}

/// A set of ids.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Ids {
    /// Bit `id % 64` of word `id / 64`.
    Bits(Vec<u64>),
    /// Ascending, for few ids far apart.
    Sorted(Vec<u32>),
}

/// A set of bits may take so many times the memory of the list of its ids, for it is faster.
const BITS_FOR_LIST: usize = 8;

impl Filter {
    /// Only these ids may be found. Order and repetition don't matter, nor ids that no point has.
    pub fn allow(ids: &[u32]) -> Self {
        Self {
            ids: Ids::listed(ids),
            allow: true,
        }
    }

    /// These ids must not be found.
    pub fn deny(ids: &[u32]) -> Self {
        Self {
            ids: Ids::listed(ids),
            allow: false,
        }
    }

    /// Only ids whose bit is set may be found: bit `id % 8`, the lowest first, of byte `id / 8`.
    /// Ids behind the last byte have a bit of 0.
    pub fn allow_bits(bits: &[u8]) -> Self {
        Self {
            ids: Ids::set(bits),
            allow: true,
        }
    }

    /// Ids whose bit is set must not be found, see [`allow_bits`](Self::allow_bits).
    pub fn deny_bits(bits: &[u8]) -> Self {
        Self {
            ids: Ids::set(bits),
            allow: false,
        }
    }

    /// Whether the point of this id may be found.
    #[inline]
    pub fn admits(&self, id: u32) -> bool {
        self.ids.contains(id) == self.allow
    }
}

impl Ids {
    fn listed(ids: &[u32]) -> Self {
        let words = ids.iter().max().map_or(0, |last| *last as usize / 64 + 1);
        if words * 2 <= ids.len().saturating_mul(BITS_FOR_LIST).max(1024) {
            let mut bits = vec![0; words];
            for id in ids {
                bits[*id as usize / 64] |= 1 << (id % 64);
            }
            return Self::Bits(bits);
        }
        let mut sorted = ids.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        Self::Sorted(sorted)
    }

    fn set(bytes: &[u8]) -> Self {
        let words = bytes.chunks(8).map(|bytes| {
            let mut word = [0; 8];
            word[..bytes.len()].copy_from_slice(bytes);
            u64::from_le_bytes(word)
        });
        Self::Bits(words.collect())
    }

    #[inline]
    fn contains(&self, id: u32) -> bool {
        match self {
            Self::Bits(words) => words
                .get(id as usize / 64)
                .is_some_and(|word| word >> (id % 64) & 1 == 1),
            Self::Sorted(ids) => ids.binary_search(&id).is_ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn ids() -> impl Strategy<Value = Vec<u32>> {
        let id = prop_oneof![0..200_u32, 0..100_000_u32, Just(u32::MAX), any::<u32>()];
        prop::collection::vec(id, 0..60)
    }

    proptest! {
        #[test]
        fn lists_admit_what_a_hash_set_holds(ids in ids(), asked in ids()) {
            let set: HashSet<_> = ids.iter().copied().collect();
            for id in asked.iter().chain(&ids) {
                prop_assert_eq!(Filter::allow(&ids).admits(*id), set.contains(id));
                prop_assert_eq!(Filter::deny(&ids).admits(*id), !set.contains(id));
            }
        }

        #[test]
        fn bits_admit_as_the_list_of_their_ids(bits in prop::collection::vec(any::<u8>(), 0..40)) {
            let is_set = |id: u32| bits.get(id as usize / 8).is_some_and(|byte| byte >> (id % 8) & 1 == 1);
            for id in (0..400).chain([u32::MAX]) {
                prop_assert_eq!(Filter::allow_bits(&bits).admits(id), is_set(id));
                prop_assert_eq!(Filter::deny_bits(&bits).admits(id), !is_set(id));
            }
        }
    }

    #[test]
    fn few_ids_far_apart_take_little_memory() {
        let filter = Filter::allow(&[u32::MAX, 3]);
        assert_eq!(filter.ids, Ids::Sorted(vec![3, u32::MAX]));
        let all: Vec<_> = (0..100_000).collect();
        assert!(matches!(Filter::deny(&all).ids, Ids::Bits(words) if words.len() == 1563));
    }
}
