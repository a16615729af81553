//! From searches that were watched to the end to what reaches a recall.

use crate::adaptive::traces::Neighbour;

/// Stored points that would stop before a search first looks up, at most, as a share.
const EARLY: f64 = 0.2;
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
        }
    }

    /// The share of the neighbours that are not found by a search that stops when `m` buckets are
    /// scanned, at checkpoint `at`; past the last checkpoint it scans all.
    fn missed(&self, at: usize, m: u32, kappas: [f32; 2]) -> f64 {
        let kappa = kappas[usize::from(!self.ordinary)];
        let unscanned = self.unscanned.get(at).copied().unwrap_or(0) as usize;
        let scanned = self.overrated.iter().take_while(|x| x.rank < m);
        let overrated = scanned.filter(|x| x.error > kappa).count();
        (unscanned + overrated) as f64 / self.neighbours.max(1) as f64
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
        let mut falling: Vec<(f64, u32, u32)> = Vec::new();
        for (point, watched) in points.iter().enumerate() {
            let shares = watched.shares.iter().enumerate();
            let finite = shares.filter(|(_, share)| share.is_finite());
            falling.extend(finite.map(|(at, share)| (*share, point as u32, at as u32)));
        }
        falling.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        Self {
            checkpoints,
            points,
            usual_probes,
            falling,
        }
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

    fn share(&self, recall: f64, kappas: [f32; 2], start: usize) -> Stopping {
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
            if missing <= (1.0 - recall) * count {
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
