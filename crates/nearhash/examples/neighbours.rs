//! The whole way in one page: fit, search, look at recall, add and delete.
//! `cargo run --release --example neighbours`

use nearhash::{
    Control, FamilyKind, LshIndex, LshOptions, Points, Result, RowData, RowSlice, RowsView,
};

const DIM: usize = 16;
const ROWS: usize = 20_000;

fn main() -> Result<()> {
    let control = Control::new();
    let data = clustered_points();
    let queries = RowsView::new(RowSlice::F32(&data[..200 * DIM]), DIM)?;

    // What is left out, fit chooses from the data.
    let index = LshIndex::new(LshOptions {
        family: FamilyKind::L2 { r: None },
        ..LshOptions::default()
    })?;
    index.fit(Points::new(RowData::F32(data.clone()), DIM)?, &control)?;
    println!(
        "{} points with {DIM} dimensions, {} bytes",
        index.size(),
        index.memory_bytes()
    );

    for budget in [0, 2, 8] {
        index.set_budget(budget);
        let found = index.evaluate(&queries, 10, &control)?;
        println!(
            "{budget} more buckets a table: recall@10 {:.3} ({:.3} to {:.3})",
            found.recall, found.low, found.high
        );
    }

    let query = RowsView::new(RowSlice::F32(&data[..DIM]), DIM)?;
    let added = index.store(&query, &control)?;
    let found = index.search(&query, 3, &control)?;
    println!(
        "nearest of point 0, stored twice: {:?} at {:?}",
        found.ids, found.distances
    );
    println!("deleted {}", index.delete(added.start)?);
    Ok(())
}

/// 50 clusters in a row, row-major; the noise needs no generator.
fn clustered_points() -> Vec<f32> {
    (0..ROWS * DIM)
        .map(|i| (i / DIM % 50) as f32 + ((i * i) as f64).sin() as f32)
        .collect()
}
