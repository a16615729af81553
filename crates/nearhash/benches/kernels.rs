//! Every kernel on every level beside the machine's limits, as JSON on stdout:
//! `cargo bench -p nearhash --features kernel-benchmark --bench kernels`.
//! benchmark/kernels/run.mjs makes a table of it.

use std::io::{IsTerminal, Write};

use nearhash::kernel::benchmark::{Limits, measure};
use serde_json::json;

fn main() {
    // `cargo test --all-targets` starts benchmarks, too.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let mut terminal = std::io::stderr();
    let shown = terminal.is_terminal();
    let (limits, measured) = measure(|stage| {
        if shown {
            let _ = write!(terminal, "\r\x1b[K{stage}");
        }
    });
    if shown {
        let _ = write!(std::io::stderr(), "\r\x1b[K");
    }
    let limits: Vec<_> = limits
        .iter()
        .map(|limits| {
            json!({
                "level": limits.level,
                "clock": limits.clock,
                "arrays": Limits::ARRAYS,
                "read": limits.read,
                "floatProducts": limits.float_products,
                "byteProducts": limits.byte_products,
            })
        })
        .collect();
    let measured: Vec<_> = measured
        .iter()
        .map(|found| {
            json!({
                "kernel": found.kernel,
                "shape": found.shape,
                "place": found.place,
                "level": found.level,
                "seconds": found.seconds,
                "bytes": found.bytes,
                "products": found.products,
                "peakProducts": found.peak_products,
            })
        })
        .collect();
    println!("{}", json!({ "limits": limits, "measured": measured }));
}
