#![allow(missing_docs)]
use std::sync::Mutex;
use std::time::Instant;
static T: Mutex<Option<(Instant, Vec<(&'static str, f64)>)>> = Mutex::new(None);
pub fn lap(name: &'static str) {
    let mut t = T.lock().unwrap();
    let now = Instant::now();
    let t = t.get_or_insert_with(|| (now, Vec::new()));
    let d = now.duration_since(t.0).as_secs_f64();
    match t.1.iter_mut().find(|x| x.0 == name) { Some(x) => x.1 += d, None => t.1.push((name, d)) }
    t.0 = Instant::now();
}
pub fn report() { let t = T.lock().unwrap().take(); for (n, d) in t.unwrap().1 { eprint!("{n} {:.1} | ", d * 1e3); } eprintln!(); }
