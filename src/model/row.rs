//! Rows of the catalogue: what Linux is known to do, each with a letter and a number.

use std::fmt;

use serde::{Serialize, Serializer};

/// A row of the catalogue: `E16`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Row(u16);

/// The row with this name: a capital letter and two digits.
pub const fn row(name: &str) -> Row {
    let [letter, tens, ones] = name.as_bytes() else {
        panic!("a row is a letter and two digits");
    };
    assert!(letter.is_ascii_uppercase() && tens.is_ascii_digit() && ones.is_ascii_digit());
    Row((*letter - b'A') as u16 * 100 + (*tens - b'0') as u16 * 10 + (*ones - b'0') as u16)
}

impl Row {
    /// How many there can be.
    pub const COUNT: usize = 26 * 100;

    /// Its place among all there can be.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// The row in this place.
    pub fn at(index: usize) -> Self {
        Self(index as u16)
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = char::from(b'A' + (self.0 / 100) as u8);
        write!(f, "{letter}{:02}", self.0 % 100)
    }
}

impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_written_as_it_is_read() {
        for name in ["A01", "E16", "N14", "Z99"] {
            assert_eq!(row(name).to_string(), name);
            assert_eq!(Row::at(row(name).index()), row(name));
        }
    }
}
