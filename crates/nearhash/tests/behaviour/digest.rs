//! Answers as one number, and where it must be the same.

use std::process::Command;

use nearhash::{Neighbors, kernel};

use crate::{LEVELS, with_threads};

/// FNV-1a over words.
pub(crate) struct Digest(u64);

impl Digest {
    pub(crate) fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    pub(crate) fn add(&mut self, words: impl IntoIterator<Item = u32>) {
        for word in words {
            self.0 = (self.0 ^ u64::from(word)).wrapping_mul(0x100_0000_01b3);
        }
    }

    pub(crate) fn add_floats(&mut self, floats: &[f32]) {
        self.add(floats.iter().map(|x| x.to_bits()));
    }

    pub(crate) fn add_neighbors(&mut self, found: &Neighbors) {
        self.add(found.counts.iter().copied());
        self.add(found.ids.iter().copied());
        self.add_floats(&found.distances);
    }

    pub(crate) fn value(&self) -> u64 {
        self.0
    }
}

#[track_caller]
pub(crate) fn assert_same_for_any_threads(digest: fn() -> u64, golden: u64) {
    for threads in [1, 2, 5] {
        let found = with_threads(threads, digest);
        assert_eq!(found, golden, "{found:#018x} with {threads} threads");
    }
}

/// For [`assert_same_on_every_level`], which reads it.
pub(crate) fn tell(digest: u64) {
    println!("level: {}", kernel::level());
    println!("digest: {digest:#018x}");
}

/// The ignored test of this name [tells](tell) `golden` in processes of their own, one for each
/// instruction set.
#[track_caller]
pub(crate) fn assert_same_on_every_level(test: &str, golden: u64) {
    let run = |level: Option<&str>| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--ignored", "--exact", "--nocapture"])
            .arg(test)
            .env_remove("NEARHASH_CPU");
        if let Some(level) = level {
            command.env("NEARHASH_CPU", level);
        }
        let output = command.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{text}");
        let line = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_else(|| panic!("no {name} in {text}"))
                .to_owned()
        };
        (line("level: "), line("digest: "))
    };
    let (best, digest) = run(None);
    assert_eq!(digest, format!("{golden:#018x}"), "{best}");
    let best_rank = LEVELS.iter().position(|name| *name == best).unwrap();
    for (rank, name) in LEVELS.iter().enumerate() {
        let (level, found) = run(Some(name));
        // A better one than the CPU has is not to be had.
        assert_eq!(level, LEVELS[rank.min(best_rank)]);
        assert_eq!(found, digest, "{level} and {best}");
    }
    // An unknown name changes nothing.
    assert_eq!(run(Some("abacus")), (best, digest));
}
