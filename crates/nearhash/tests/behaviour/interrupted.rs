//! Cancelled and concurrent calls: a clear error, nothing lost or half-changed.

use nearhash::{Control, Error, LshIndex, LshOptions, PredictOptions, Result};

use crate::photos::{self, DIM, SCALED};
use crate::point_index::{
    assert_busy, assert_free, assert_replaced_at_once, assert_searched_meanwhile, wait_for,
};
use crate::refused::{FAMILIES, sight};
use crate::{SRP, fitted, l2, options, points, view, with_threads};

#[test]
fn a_call_cancelled_before_it_begins_changes_nothing() {
    let rows = &SCALED[..2000 * DIM];
    for family in FAMILIES {
        for options in [
            options(family, 8, 4),
            LshOptions {
                family,
                ..LshOptions::default()
            },
        ] {
            let index = fitted(options, rows, DIM);
            let before = sight(&index, photos::queries(), DIM);
            let control = Control::new();
            control.cancel();
            assert!(control.is_cancelled());
            let more = view(&SCALED[..9000 * DIM], DIM);
            let some = view(photos::queries(), DIM);
            let one = view(&rows[..DIM], DIM);
            let cancelled = Error::Cancelled;
            assert_eq!(
                index.fit(points(&SCALED, DIM), &control),
                Err(cancelled.clone())
            );
            // Few go to the open part, many are sorted in.
            assert_eq!(index.store(&one, &control), Err(cancelled.clone()));
            assert_eq!(index.store(&more, &control), Err(cancelled.clone()));
            for queries in [&one, &some] {
                assert_eq!(index.search(queries, 1, &control), Err(cancelled.clone()));
                let predicted = index.predict(queries, &PredictOptions::default(), &control);
                assert_eq!(predicted, Err(cancelled.clone()));
                let evaluated = index.evaluate(queries, 1, &control);
                assert_eq!(evaluated, Err(cancelled.clone()));
            }
            assert_eq!(sight(&index, photos::queries(), DIM), before);
            assert_eq!(index.store(&one, &Control::new()), Ok(2000..2001));
            assert_eq!(cancelled.code(), "ERR_NEARHASH_CANCELLED");
        }
    }
}

#[test]
fn while_a_fit_runs_searches_see_the_old_points_and_other_changes_are_refused() {
    let rows = &SCALED[..500 * DIM];
    let queries = photos::queries();
    for family in FAMILIES {
        // Several seconds of work for all points, were it not stopped.
        let index = fitted(options(family, 64, 1500), rows, DIM);
        let before = sight(&index, queries, DIM);
        let control = Control::new();
        std::thread::scope(|scope| {
            // In threads of its own, so that nothing else waits for it.
            let fit = || index.fit(points(&SCALED, DIM), &control);
            let fit = scope.spawn(move || with_threads(1, fit));
            wait_for(&control, "hash");
            let one = view(&rows[..DIM], DIM);
            assert_busy(&index, &one, points(rows, DIM));
            assert_eq!(sight(&index, queries, DIM), before);
            assert_eq!(index.describe().size, 500);
            let progress = control.progress();
            assert_eq!((progress.stage, progress.total), ("hash", 1500));
            assert!(progress.done < progress.total);
            control.cancel();
            // It was at work all the time.
            assert_eq!(fit.join().unwrap(), Err(Error::Cancelled));
        });
        assert_eq!(sight(&index, queries, DIM), before);
        assert_free(&index);
    }
}

#[test]
fn a_fit_replaces_all_points_at_once_under_running_searches() {
    let (old, new) = (&SCALED[..3000 * DIM], &SCALED[3000 * DIM..9000 * DIM]);
    let queries = view(&SCALED[..20 * DIM], DIM);
    for family in FAMILIES {
        let index = fitted(options(family, 10, 8), old, DIM);
        let answers = |index: &LshIndex| {
            let found = index.search(&queries, 5, &Control::new()).unwrap();
            (
                found.ids,
                found
                    .distances
                    .iter()
                    .map(|x| x.to_bits())
                    .collect::<Vec<_>>(),
            )
        };
        let twin = fitted(options(family, 10, 8), new, DIM);
        assert_replaced_at_once(&index, points(new, DIM), &twin, answers);
    }
}

#[test]
fn searches_go_on_while_points_come_and_go() {
    let rows = &SCALED[..1000 * DIM];
    for family in FAMILIES {
        let index = fitted(options(family, 8, 4), rows, DIM);
        // The first hundred stay, so each of them is found at distance 0 by every search.
        let stay = view(&rows[..100 * DIM], DIM);
        assert_searched_meanwhile(&index, &view(rows, DIM), || {
            let found = index.search(&stay, 1, &Control::new()).unwrap();
            assert_eq!(found.distances, [0.0; 100]);
        });
    }
}

#[test]
fn progress_ends_with_all_tables_done() {
    for family in FAMILIES {
        let index = LshIndex::new(options(family, 4, 37)).unwrap();
        let control = Control::new();
        index
            .fit(points(&SCALED[..100 * DIM], DIM), &control)
            .unwrap();
        let progress = control.progress();
        assert_eq!(
            (progress.stage, progress.done, progress.total),
            ("hash", 37, 37)
        );
        let queries = view(photos::queries(), DIM);
        index.search(&queries, 1, &control).unwrap();
        let progress = control.progress();
        assert_eq!(
            (progress.stage, progress.done, progress.total),
            ("queries", 200, 200)
        );
    }
}

#[test]
fn running_work_of_every_kind_can_be_stopped() {
    // Seconds of work each, in one thread.
    let rows = &SCALED[..];
    let all = view(rows, DIM);
    let index = fitted(options(l2(4.0), 15, 20), rows, DIM);
    index.set_budget(100);
    let stop = |stage: &str, work: &(dyn Fn(&Control) -> Result<()> + Sync)| {
        let control = Control::new();
        std::thread::scope(|scope| {
            let work = scope.spawn(|| with_threads(1, || work(&control)));
            wait_for(&control, stage);
            control.cancel();
            assert_eq!(work.join().unwrap(), Err(Error::Cancelled), "{stage}");
        });
    };
    let predict = PredictOptions::default();
    stop("queries", &|control| {
        index.search(&all, 10, control).map(drop)
    });
    stop("queries", &|control| {
        index.predict(&all, &predict, control).map(drop)
    });
    stop("queries", &|control| {
        index.evaluate(&all, 10, control).map(drop)
    });
    let cosine = nearhash::Metric::Cosine;
    stop("distances", &|control| {
        nearhash::exact::knn(&all, &all, 10, cosine, control).map(drop)
    });
    // In f64, which takes its time.
    let far: Vec<f32> = rows[..6000 * DIM].iter().map(|x| x * 1e20).collect();
    let far = view(&far, DIM);
    let euclidean = nearhash::Metric::Euclidean;
    stop("distances", &|control| {
        nearhash::exact::cdist(&far, &far, euclidean, control).map(drop)
    });
    // Sorting in, with many tables.
    let index = fitted(options(SRP, 64, 1000), &rows[..100 * DIM], DIM);
    stop("hash", &|control| index.store(&all, control).map(drop));
    assert_eq!(index.size(), 100);
    assert_eq!(
        index.store(&view(&rows[..DIM], DIM), &Control::new()),
        Ok(100..101)
    );
}
