//! Codes: the cluster of every row in every group, without the text around them.

/// Row-major codes, rows × groups; a byte each as long as no group has more than 256 clusters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeMatrix {
    codes: Codes,
    groups: usize,
}

/// The codes themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Codes {
    /// For up to 256 clusters.
    U8(Vec<u8>),
    /// For more.
    U16(Vec<u16>),
}

impl CodeMatrix {
    pub(super) fn new(codes: Codes, groups: usize) -> Self {
        Self { codes, groups }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        let codes = match &self.codes {
            Codes::U8(codes) => codes.len(),
            Codes::U16(codes) => codes.len(),
        };
        codes / self.groups
    }

    /// Codes a row.
    pub fn groups(&self) -> usize {
        self.groups
    }

    /// The cluster of a row in a group.
    ///
    /// # Panics
    /// When there is no such row or group.
    pub fn get(&self, row: usize, group: usize) -> usize {
        assert!(group < self.groups);
        let at = row * self.groups + group;
        match &self.codes {
            Codes::U8(codes) => usize::from(codes[at]),
            Codes::U16(codes) => usize::from(codes[at]),
        }
    }

    /// All codes, row after row.
    pub fn into_codes(self) -> Codes {
        self.codes
    }
}

/// A type that codes may have.
pub(super) trait Code: Copy + Default + Send {
    fn of(cluster: usize) -> Self;
}

impl Code for u8 {
    fn of(cluster: usize) -> Self {
        cluster as Self
    }
}

impl Code for u16 {
    fn of(cluster: usize) -> Self {
        cluster as Self
    }
}
