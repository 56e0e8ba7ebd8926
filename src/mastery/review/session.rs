//! One sitting: what is asked next. What was missed comes once more at the end, and only once.

use std::collections::VecDeque;

use crate::mastery::progress::Round;

/// What is left to ask of `T`s.
#[derive(Clone, Debug)]
pub struct Session<T> {
    left: VecDeque<(T, Round)>,
}

impl<T: Clone> Session<T> {
    /// To ask these, in this order.
    pub fn new(due: impl IntoIterator<Item = T>) -> Self {
        Self {
            left: due.into_iter().map(|one| (one, Round::Due)).collect(),
        }
    }

    /// What to ask now; `None` when all was asked. The same until [`Session::answered`].
    pub fn next(&self) -> Option<(T, Round)> {
        self.left.front().cloned()
    }

    /// How many are left, the present one included.
    pub fn left(&self) -> usize {
        self.left.len()
    }

    /// Takes in what the answer to the present question was worth.
    pub fn answered(&mut self, worth: Worth) {
        if let Some((one, Round::Due)) = self.left.pop_front()
            && worth == Worth::Wrong
        {
            self.left.push_back((one, Round::OnceMore));
        }
    }
}

/// What an answer is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worth {
    /// It is right, with its reason where one is asked for.
    Right,
    /// It is not.
    Wrong,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_missed_comes_once_more_at_the_end_and_no_third_time() {
        let mut session = Session::new(["a", "b", "c"]);
        let mut asked = Vec::new();
        while let Some((one, round)) = session.next() {
            asked.push((one, round));
            session.answered(if one == "b" {
                Worth::Right
            } else {
                Worth::Wrong
            });
        }
        use Round::{Due, OnceMore};
        let expected = [
            ("a", Due),
            ("b", Due),
            ("c", Due),
            ("a", OnceMore),
            ("c", OnceMore),
        ];
        assert_eq!(asked, expected);
        assert_eq!(session.left(), 0);
    }
}
