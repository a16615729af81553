//! Texts of rows, words of a query with their weights, and the score that they give a document.

use std::collections::HashSet;

/// Rows of one text.
pub(super) const TEXT_ROWS: usize = 1024;

/// Write a row behind those that a text has: rows with a line feed between, words with a space
/// between, each written by `push(text, number of the word)`.
pub(super) fn push_row(text: &mut String, words: usize, push: impl Fn(&mut String, usize)) {
    if !text.is_empty() {
        text.push('\n');
    }
    for word in 0..words {
        if word > 0 {
            text.push(' ');
        }
        push(text, word);
    }
}

/// Words of a query, and what a document that has them gains by each.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct QueryWords {
    /// The words, each once.
    pub words: Vec<String>,
    /// As many weights, finite and not negative.
    pub weights: Vec<f32>,
}

/// Sum of the weights of the words that query and document share.
///
/// It is the score of a search engine in which a matching term counts its boost and nothing else
/// (`similarity: boolean`): how often a document has a word, and what words mean, does not count.
/// Summed in f64; an engine rounds its sum to float32.
pub fn weighted_overlap<'a>(
    words: impl IntoIterator<Item = (&'a str, f32)>,
    document: impl IntoIterator<Item = &'a str>,
) -> f64 {
    let document: HashSet<&str> = document.into_iter().collect();
    words
        .into_iter()
        .filter(|(word, _)| document.contains(word))
        // An empty sum of floats would be −0.
        .fold(0.0, |sum, (_, weight)| sum + f64::from(weight))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_shared_words_count_and_each_once() {
        let query = [("0-1", 0.5), ("0-2", 0.25), ("1-7", 2.0)];
        assert_eq!(weighted_overlap(query, ["0-2", "1-7", "2-9"]), 2.25);
        assert_eq!(weighted_overlap(query, ["1-7", "1-7"]), 2.0);
        assert_eq!(weighted_overlap(query, []), 0.0);
        assert_eq!(weighted_overlap([], ["0-1"]), 0.0);
    }
}
