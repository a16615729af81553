//! Only points that a filter admits are found, and all of those are looked for.

use nearhash::adaptive::SearchOptions;
use nearhash::{Filter, Neighbors};

use super::{Sample, asked, assert_exact, knn, recall, samples, search};
use crate::view;

/// Exact answers among the rows whose ids are admitted.
fn truth(sample: &Sample, filter: &Filter, k: usize) -> Neighbors {
    let n = (sample.rows.len() / sample.dim) as u32;
    let ids: Vec<u32> = (0..n).filter(|id| filter.admits(*id)).collect();
    let rows: Vec<f32> = ids
        .iter()
        .flat_map(|id| &sample.rows[*id as usize * sample.dim..][..sample.dim])
        .copied()
        .collect();
    let queries = view(&sample.queries[..100 * sample.dim], sample.dim);
    let mut found = knn(&view(&rows, sample.dim), &queries, k, sample.metric);
    for (i, count) in found.counts.iter().enumerate() {
        for id in &mut found.ids[i * k..i * k + *count as usize] {
            *id = ids[*id as usize];
        }
    }
    found
}

#[test]
fn filters_that_admit_none_few_many_or_all_leave_out_what_they_must_and_nothing_else() {
    for sample in samples() {
        let n = (sample.rows.len() / sample.dim) as u32;
        let every = |step: usize| (0..n).step_by(step).collect::<Vec<u32>>();
        let bits: Vec<u8> = (0..n.div_ceil(8)).map(|i| (i * 37 + 5) as u8).collect();
        let filters = [
            Filter::allow(&[]),
            Filter::allow(&[n - 1]),
            Filter::allow(&[3, 5, 8, n + 7, u32::MAX]),
            // About as many as are listed one by one.
            Filter::allow(&every(10)),
            Filter::allow(&every(9)),
            Filter::allow(&every(2)),
            Filter::allow(&(0..n / 3).collect::<Vec<_>>()),
            Filter::deny(&[]),
            Filter::deny(&every(2)),
            Filter::deny(&(7..n).collect::<Vec<_>>()),
            Filter::allow_bits(&bits),
            Filter::deny_bits(&bits),
        ];
        let queries = view(&sample.queries[..100 * sample.dim], sample.dim);
        let mut recalls = Vec::new();
        for (i, filter) in filters.iter().enumerate() {
            let admitted = (0..n).filter(|id| filter.admits(*id)).count();
            for k in [1, 10, 100] {
                let truth = truth(sample, filter, k);
                let filtered = |options: SearchOptions| {
                    let filter = Some(filter.clone());
                    search(
                        &sample.index,
                        &queries,
                        &SearchOptions { filter, ..options },
                    )
                };
                assert_exact(&filtered(asked(k, 1.0)), &truth, (i, k));
                let found = filtered(asked(k, 0.95));
                for (q, count) in found.counts.iter().enumerate() {
                    assert_eq!(*count as usize, k.min(admitted), "filter {i}, k = {k}");
                    let ids = &found.ids[q * k..][..*count as usize];
                    assert!(ids.iter().all(|id| filter.admits(*id)), "filter {i}");
                }
                if admitted > 0 {
                    recalls.push((i, admitted, k, recall(&found, &truth)));
                }
            }
        }
        // Calibration knows nothing of filters: where they leave few, many neighbours are farther
        // than it reckons with.
        let least = |k: usize| if k > 10 { 0.7 } else { 0.9 };
        let low = recalls.iter().filter(|found| found.3 < least(found.2));
        assert_eq!(low.count(), 0, "{recalls:?}");
    }
}
