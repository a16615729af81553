//! From searches that were watched to the end to what reaches a recall.

use crate::adaptive::traces::Neighbour;

/// Stored points that would stop before a search first looks up, at most, as a share.
const EARLY: f64 = 0.2;
/// A search stops where no larger share than so many times the one that is allowed in the mean is still to come,
/// even if the stored points could stop sooner: others would lose by it.
const CAUTION: f64 = 4.0;
/// A search that no checkpoint stops counts as so many times the usual number of buckets.
const ENDLESS: f64 = 8.0;

/// A search for a stored point, for one k.
#[derive(Debug)]
pub(crate) struct Watched {
    /// True neighbours.
    neighbours: usize,
    /// Of them, those in buckets that are not scanned at each checkpoint.
    unscanned: Vec<u32>,
    /// Of them, those whose estimates were too large, by the rank of their buckets.
    overrated: Vec<Neighbour>,
    /// Whether the search would be an ordinary one.
    ordinary: bool,
    /// For each checkpoint, the share of neighbours that the model expects to be still to come;
    /// infinite where it cannot say.
    shares: Vec<f64>,
    /// The share of true neighbours that are not known, as the search that was watched ended early: what such
    /// searches miss in the mean.
    unknown: f64,
}

impl Watched {
    /// With the true `neighbours`, by the rank of their buckets, and the `shares` that the model
    /// expects at `checkpoints` (buckets scanned).
    pub(crate) fn new(
        checkpoints: &[u32],
        neighbours: &[Neighbour],
        ordinary: bool,
        shares: Vec<f64>,
    ) -> Self {
        let unscanned = |m: &u32| {
            let scanned = neighbours.partition_point(|neighbour| neighbour.rank < *m);
            (neighbours.len() - scanned) as u32
        };
        let overrated = neighbours.iter().filter(|neighbour| neighbour.error > 0.0);
        Self {
            neighbours: neighbours.len(),
            unscanned: checkpoints.iter().map(unscanned).collect(),
            overrated: overrated.copied().collect(),
            ordinary,
            shares,
            unknown: 0.0,
        }
    }

    /// The same of a search that ended early, as those that miss so much.
    pub(crate) fn with_unknown(self, unknown: f64) -> Self {
        Self { unknown, ..self }
    }

    /// The share of the neighbours that are not found by a search that stops when `m` buckets are
    /// scanned, at checkpoint `at`; past the last checkpoint it scans all.
    fn missed(&self, at: usize, m: u32, kappas: [f32; 2]) -> f64 {
        let kappa = kappas[usize::from(!self.ordinary)];
        let unscanned = self.unscanned.get(at).copied().unwrap_or(0) as usize;
        let scanned = self.overrated.iter().take_while(|x| x.rank < m);
        let overrated = scanned.filter(|x| x.error > kappa).count();
        let known = (unscanned + overrated) as f64 / self.neighbours.max(1) as f64;
        self.unknown + (1.0 - self.unknown) * known
    }
}

/// A share at which to stop, and what comes of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Stopping {
    /// Expected share of neighbours missing at which to stop.
    pub(crate) share: f64,
    /// First checkpoint to look up at.
    pub(crate) start: usize,
    /// Buckets that are scanned, in the mean.
    pub(crate) probes: f64,
}

/// What comes of stopping at a share, among the stored points of the sample.
#[derive(Debug)]
pub(crate) struct Curve<'a> {
    checkpoints: &'a [u32],
    points: Vec<Watched>,
    /// Buckets in which a point usually has its neighbours.
    usual_probes: f64,
    /// All shares with their points and checkpoints, descending.
    falling: Vec<(f64, u32, u32)>,
}

impl<'a> Curve<'a> {
    /// Of these searches, which looked up at `checkpoints`.
    pub(crate) fn new(checkpoints: &'a [u32], points: Vec<Watched>, usual_probes: f64) -> Self {
        let mut curve = Self {
            checkpoints,
            points: Vec::new(),
            usual_probes,
            falling: Vec::new(),
        };
        curve.add(points);
        curve
    }

    /// Go by these searches, too.
    pub(crate) fn add(&mut self, points: Vec<Watched>) {
        let first = self.points.len();
        for (point, watched) in points.iter().enumerate() {
            let shares = watched.shares.iter().enumerate();
            let finite = shares.filter(|(_, share)| share.is_finite());
            let point = (first + point) as u32;
            self.falling
                .extend(finite.map(|(at, share)| (*share, point, at as u32)));
        }
        self.falling
            .sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        self.points.extend(points);
    }

    /// The share of the neighbours missed by searches that stop like this.
    pub(crate) fn missed(&self, stopping: &Stopping, kappas: [f32; 2]) -> f64 {
        let missed = self.points.iter().map(|point| {
            let mut shares = point.shares.iter().skip(stopping.start);
            let stop = shares.position(|share| *share <= stopping.share);
            let at = stop.map_or(self.checkpoints.len(), |i| stopping.start + i);
            self.outcome(point, at, kappas).0
        });
        missed.sum::<f64>() / self.points.len().max(1) as f64
    }

    /// The largest share that reaches `recall` when candidates are given so many standard errors,
    /// in ordinary searches and in others.
    pub(crate) fn stopping(&self, recall: f64, kappas: [f32; 2]) -> Stopping {
        // Looking up later finds more, so that the share can be larger.
        let early = self.share(recall, kappas, 0);
        let start = self.start(early.share);
        self.share(recall, kappas, start)
    }

    /// Share of the neighbours missed and buckets scanned where `point` stops at checkpoint `at`, or at
    /// none.
    fn outcome(&self, point: &Watched, at: usize, kappas: [f32; 2]) -> (f64, f64) {
        match self.checkpoints.get(at) {
            Some(m) => (point.missed(at, *m, kappas), f64::from(*m)),
            None => (
                point.missed(at, u32::MAX, kappas),
                self.usual_probes * ENDLESS,
            ),
        }
    }

    /// The same, looking up no sooner than at checkpoint `start`.
    pub(crate) fn share(&self, recall: f64, kappas: [f32; 2], start: usize) -> Stopping {
        // Each point stops at the first checkpoint whose share is no larger than asked. As what is
        // asked falls, one after the other is left for the next that is lower.
        let end = self.checkpoints.len();
        let stop_below = |point: &Watched, from: usize, share: f64| {
            let stop = point.shares.iter().skip(from).position(|x| *x < share);
            stop.map_or(end, |i| from + i)
        };
        let (mut missing, mut probed) = (0.0, 0.0);
        let mut stops: Vec<(usize, f64, f64)> = Vec::with_capacity(self.points.len());
        for point in &self.points {
            let at = stop_below(point, start, f64::INFINITY);
            let (missed, probes) = self.outcome(point, at, kappas);
            missing += missed;
            probed += probes;
            stops.push((at, missed, probes));
        }
        let count = self.points.len().max(1) as f64;
        let mut share = 1.0;
        for (below, point, left) in &self.falling {
            let (at, missed, probes) = &mut stops[*point as usize];
            if *at != *left as usize {
                continue;
            }
            if missing <= (1.0 - recall) * count && share <= CAUTION * (1.0 - recall) {
                break;
            }
            share = below * (1.0 - 1e-9);
            let point = &self.points[*point as usize];
            *at = stop_below(point, *at + 1, *below);
            let here = self.outcome(point, *at, kappas);
            missing += here.0 - *missed;
            probed += here.1 - *probes;
            (*missed, *probes) = here;
        }
        Stopping {
            share,
            start,
            probes: probed / count,
        }
    }

    /// The first checkpoint that enough points get past.
    fn start(&self, share: f64) -> usize {
        let mut starts: Vec<usize> = self
            .points
            .iter()
            .map(|point| {
                let stop = point.shares.iter().position(|here| *here <= share);
                stop.unwrap_or(self.checkpoints.len())
            })
            .collect();
        let place = (starts.len() as f64 * EARLY) as usize;
        if place >= starts.len() {
            return 0;
        }
        *starts.select_nth_unstable(place).1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHECKPOINTS: [u32; 4] = [1, 2, 4, 8];

    /// A search for one neighbour in the bucket of this rank, by a model that expects half as much at each
    /// checkpoint as at the one before.
    fn watched(rank: u32, first: f64) -> Watched {
        let shares = (0..4).map(|at| first / f64::from(1 << at)).collect();
        let neighbour = Neighbour { rank, error: 0.0 };
        Watched::new(&CHECKPOINTS, &[neighbour], true, shares)
    }

    fn curve() -> Curve<'static> {
        let points = (0..100).map(|i| watched(i % 10, 0.5 + 0.005 * f64::from(i)));
        Curve::new(&CHECKPOINTS, points.collect(), 8.0)
    }

    #[test]
    fn what_is_missed_is_what_was_aimed_at() {
        let curve = curve();
        for recall in [0.1, 0.2, 0.4, 0.8, 1.0] {
            let stopping = curve.stopping(recall, [1.0; 2]);
            let missed = curve.missed(&stopping, [1.0; 2]);
            assert!(missed <= 1.0 - recall + 1e-9, "{recall}: {missed}");
            // The sample is no finer than one in a hundred; a later start finds more.
            let exact = stopping.start > 0 || missed > 1.0 - recall - 0.011;
            assert!(exact, "{recall}: {missed}");
        }
    }

    #[test]
    fn of_searches_that_ended_early_more_is_missed_than_is_seen() {
        let stopping = Stopping {
            share: 0.2,
            start: 0,
            probes: 0.0,
        };
        let [mut with, mut without] = [curve(), curve()];
        let more = || (0..50).map(|i| watched(i % 5, 0.7));
        without.add(more().collect());
        with.add(more().map(|point| point.with_unknown(0.1)).collect());
        let [with, without] = [with, without].map(|curve| curve.missed(&stopping, [1.0; 2]));
        // They stop at the fourth bucket, which leaves one in five of what was seen.
        let seen = 0.2;
        let difference = 0.1 * (1.0 - seen) / 3.0;
        assert!(
            (with - without - difference).abs() < 1e-9,
            "{with} {without}"
        );
    }
}
