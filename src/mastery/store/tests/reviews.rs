//! Reviews in the store, and databases from before there were any.

use std::fs;

use rusqlite::Connection;

use super::{home, store};
use crate::mastery::clock::Clock;
use crate::mastery::progress::{Kept, Round};
use crate::mastery::store::{Answer, NAME, Review, Scope, Store, StoreError, schema};

#[test]
fn a_database_from_before_reviews_keeps_everything_and_takes_reviews() {
    let home = home();
    let directory = home.path().join("state/ipc-mastery");
    fs::create_dir_all(&directory).unwrap();
    let old = Connection::open(directory.join(NAME)).unwrap();
    schema::migrate(&old, &schema::MIGRATIONS[..1]).unwrap();
    old.execute_batch(
        "INSERT INTO reading VALUES ('names', 3, 4, 5, 6); \
         INSERT INTO answer (at, item, option, right) VALUES (7, 'names-1', 1, 0);",
    )
    .unwrap();
    assert_eq!(schema::version(&old).unwrap(), 1);
    drop(old);
    let simulated = store(&home, 90_000);
    let progress = simulated.snapshot().unwrap();
    assert!(!progress.simulated);
    assert_eq!(progress.lessons["names"].finished_at, Some(6));
    let answer = &progress.answers["names-1"];
    assert_eq!((answer.times, &answer.kept), (1, &Kept::chosen(1, None)));
    assert!(progress.reviews.is_empty());
    let kept = Kept::chosen(0, None);
    let answer = Answer {
        item: "names-1",
        kept: &kept,
        right: true,
    };
    let round = Round::Due;
    let refused = simulated.record_review(Review { answer, round });
    assert!(matches!(refused, Err(StoreError::RealTime { .. })));
    let store = Store::open_in(&directory, Clock::System).unwrap();
    store.record_review(Review { answer, round }).unwrap();
    let reviews = &store.snapshot().unwrap().reviews["names-1"];
    assert_eq!(reviews.len(), 1);
    assert!(reviews[0].right && reviews[0].at > 90_000);
}

#[test]
fn reviews_are_kept_in_order_leave_the_lessons_answer_alone_and_are_forgotten_with_all() {
    let home = home();
    let store = store(&home, 5);
    let kept = [0, 1].map(|option| Kept::chosen(option, Some(1)));
    let answer = |option: usize| Answer {
        item: "names-1",
        kept: &kept[option],
        right: option == 0,
    };
    store.record_answer(answer(1)).unwrap();
    for (option, round) in [(1, Round::Due), (0, Round::OnceMore)] {
        let answer = answer(option);
        store.record_review(Review { answer, round }).unwrap();
    }
    let progress = store.snapshot().unwrap();
    let reviews: Vec<_> = progress.reviews["names-1"]
        .iter()
        .map(|review| (review.round, review.kept.clone(), review.right))
        .collect();
    let expected = [
        (Round::Due, kept[1].clone(), false),
        (Round::OnceMore, kept[0].clone(), true),
    ];
    assert_eq!(reviews, expected);
    assert_eq!(progress.answers["names-1"].times, 1);
    assert_eq!(store.remembered(Scope::All).unwrap().reviews, 2);
    store.forget(Scope::Exercise("echo-server")).unwrap();
    assert_eq!(store.snapshot().unwrap().reviews.len(), 1);
    store.forget(Scope::All).unwrap();
    assert!(store.snapshot().unwrap().reviews.is_empty());
}

#[test]
fn a_database_from_before_words_keeps_its_answers_and_takes_words() {
    let home = home();
    let directory = home.path().join("state/ipc-mastery");
    fs::create_dir_all(&directory).unwrap();
    let old = Connection::open(directory.join(NAME)).unwrap();
    schema::migrate(&old, &schema::MIGRATIONS[..3]).unwrap();
    old.execute_batch(
        "INSERT INTO answer (at, item, option, reason, right) VALUES (7, 'q', 1, 2, 0); \
         INSERT INTO answer (at, item, option, reason, right) VALUES (8, 'q', 0, 1, 1); \
         INSERT INTO review (at, item, round, option, right) VALUES (9, 'q', 'due', 3, 0);",
    )
    .unwrap();
    drop(old);
    let store = Store::open_in(&directory, Clock::System).unwrap();
    let kept = Kept {
        words: Some("2 0 1".to_owned()),
        seed: Some(u64::MAX),
        ..Kept::default()
    };
    let answer = Answer {
        item: "q",
        kept: &kept,
        right: true,
    };
    let round = Round::Due;
    store.record_review(Review { answer, round }).unwrap();
    let progress = store.snapshot().unwrap();
    let before = &progress.answers["q"];
    assert_eq!((before.at, before.times, before.times_right), (8, 2, 1));
    assert_eq!(before.kept, Kept::chosen(0, Some(1)));
    let reviews = &progress.reviews["q"];
    assert_eq!((reviews[0].at, reviews[0].right), (9, false));
    assert_eq!(reviews[0].kept, Kept::chosen(3, None));
    assert_eq!((&reviews[1].kept, reviews[1].right), (&kept, true));
}
