//! From searches that were watched to the end to what reaches a recall.

use crate::adaptive::traces::Neighbour;

/// Stored points that would stop before a search first looks up, at most, as a share.
const EARLY: f64 = 0.2;
/// A search that no checkpoint stops counts as so many times the usual number of buckets.
const ENDLESS: f64 = 8.0;

/// Searches for stored points, for one k.
#[derive(Debug)]
pub(crate) struct Watched<'a> {
    pub(crate) checkpoints: &'a [u32],
    /// True neighbours of each point, by the rank of their buckets.
    pub(crate) neighbours: Vec<&'a [Neighbour]>,
    /// Whether the search for each point would be an ordinary one.
    pub(crate) ordinary: Vec<bool>,
    /// For each point and checkpoint, the share of neighbours that the model expects to be still to
    /// come; infinite where it cannot say.
    pub(crate) shares: Vec<Vec<f64>>,
    /// Buckets in which a point usually has its neighbours.
    pub(crate) usual_probes: f64,
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

impl Watched<'_> {
    /// The largest share that reaches `recall` when candidates are given so many standard errors,
    /// in ordinary searches and in others.
    pub(crate) fn stopping(&self, recall: f64, kappas: [f32; 2]) -> Stopping {
        // Looking up later finds more, so that the share can be larger.
        let early = self.share(recall, kappas, 0);
        let start = self.start(early.share);
        self.share(recall, kappas, start)
    }

    /// The share of a point's neighbours that are not found when `m` buckets are scanned.
    fn missed(neighbours: &[Neighbour], m: u32, kappa: f32) -> f64 {
        let scanned = neighbours.partition_point(|neighbour| neighbour.rank < m);
        let found = neighbours[..scanned].iter();
        let found = found.filter(|neighbour| neighbour.error <= kappa).count();
        (neighbours.len() - found) as f64 / neighbours.len().max(1) as f64
    }

    fn share(&self, recall: f64, kappas: [f32; 2], start: usize) -> Stopping {
        // Each point stops at the first checkpoint whose share is no larger than asked. As what is
        // asked falls, one after the other is left for the next that is lower.
        let mut changes: Vec<(f64, f64, f64)> = Vec::new();
        let (mut missing, mut probed) = (0.0, 0.0);
        let points = self.neighbours.iter().zip(&self.ordinary).zip(&self.shares);
        for ((neighbours, ordinary), shares) in points {
            let kappa = if *ordinary { kappas[0] } else { kappas[1] };
            let mut least = f64::INFINITY;
            let mut before: Option<(f64, f64, f64)> = None;
            for (share, m) in shares.iter().zip(self.checkpoints).skip(start) {
                if *share >= least {
                    continue;
                }
                least = *share;
                let here = (Self::missed(neighbours, *m, kappa), f64::from(*m));
                match before {
                    None => {
                        missing += here.0;
                        probed += here.1;
                    }
                    Some((share, missed, probes)) => {
                        changes.push((share, here.0 - missed, here.1 - probes));
                    }
                }
                before = Some((*share, here.0, here.1));
            }
            let end = (
                Self::missed(neighbours, u32::MAX, kappa),
                self.usual_probes * ENDLESS,
            );
            match before {
                None => {
                    missing += end.0;
                    probed += end.1;
                }
                Some((share, missed, probes)) => {
                    changes.push((share, end.0 - missed, end.1 - probes));
                }
            }
        }
        changes.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        let count = self.shares.len().max(1) as f64;
        let mut share = 1.0;
        for (below, missing_change, probed_change) in changes {
            if missing <= (1.0 - recall) * count {
                break;
            }
            share = below * (1.0 - 1e-9);
            missing += missing_change;
            probed += probed_change;
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
            .shares
            .iter()
            .map(|shares| {
                let stop = shares.iter().position(|here| *here <= share);
                stop.unwrap_or(self.checkpoints.len())
            })
            .collect();
        starts.sort_unstable();
        let start = starts.get((starts.len() as f64 * EARLY) as usize);
        start.copied().unwrap_or(0)
    }
}
