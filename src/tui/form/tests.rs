//! What keys do to an answer.

use super::*;

fn form(kind: Kind, (answers, reasons, lines): (usize, usize, usize)) -> Form {
    let texts = |count: usize| (0..count).map(|number| number.to_string()).collect();
    let wording = Wording {
        prompt: "?".to_owned(),
        answers: texts(answers),
        reasons: texts(reasons),
        lines: texts(lines),
    };
    Form::new(kind, wording)
}

fn order_of(statements: usize, count: usize) -> Form {
    form(Kind::Order(count), (statements, 0, 0))
}

fn places(form: &Form) -> Vec<usize> {
    match &form.draft {
        Draft::Order { placed, .. } => placed.clone(),
        other => panic!("{other:?} is no order"),
    }
}

#[test]
fn statements_are_taken_in_one_after_the_other_and_moved() {
    let mut form = order_of(4, 3);
    // The cursor goes on to the next one that is left.
    for _ in 0..3 {
        assert_eq!(form.act(Action::Pick), Reply::Taken);
    }
    assert_eq!(places(&form), [0, 1, 2]);
    assert!(matches!(form.act(Action::Pick), Reply::Refused(_)));
    assert!(matches!(form.act(Action::Earlier), Reply::Refused(_)));
    form.act(Action::Up);
    form.act(Action::Earlier);
    form.act(Action::Earlier);
    assert_eq!(places(&form), [2, 0, 1]);
    form.act(Action::Earlier);
    assert_eq!(places(&form), [2, 0, 1]);
    form.act(Action::Later);
    assert_eq!(places(&form), [0, 2, 1]);
    assert_eq!(
        form.act(Action::Commit),
        Reply::Given(Given::Places(vec![0, 2, 1]))
    );
    // What was given does not change any more.
    assert_eq!(form.act(Action::Pick), Reply::Passed);
}

#[test]
fn what_was_taken_in_can_be_taken_out_and_an_unfinished_order_is_no_answer() {
    let mut form = order_of(3, 2);
    form.act(Action::Pick);
    form.act(Action::Up);
    form.act(Action::Pick);
    assert_eq!(places(&form), [0; 0]);
    assert_eq!(form.left_over(), [0, 1, 2]);
    assert!(matches!(form.act(Action::Commit), Reply::Refused(_)));
    assert!(form.is_open());
}

#[test]
fn at_the_edges_of_its_rows_moving_is_left_to_the_page() {
    let mut form = order_of(2, 1);
    assert_eq!(form.act(Action::Up), Reply::Passed);
    assert_eq!(form.act(Action::Down), Reply::Taken);
    assert_eq!(form.act(Action::Down), Reply::Passed);
}

#[test]
fn each_line_is_given_a_purpose_and_the_next_one_without_is_asked() {
    let mut form = form(Kind::Match, (4, 0, 3));
    form.act(Action::Down);
    form.act(Action::Choose(4));
    form.act(Action::Choose(1));
    assert!(matches!(form.act(Action::Commit), Reply::Refused(_)));
    // The first line is the only one left; a purpose that there is not is not taken.
    form.act(Action::Choose(9));
    form.act(Action::PreviousPurpose);
    form.act(Action::NextPurpose);
    form.act(Action::NextPurpose);
    assert_eq!(
        form.act(Action::Commit),
        Reply::Given(Given::Places(vec![1, 3, 0]))
    );
}

#[test]
fn a_reason_is_asked_after_the_option_was_settled() {
    let mut form = form(Kind::Choice, (2, 3, 0));
    assert!(matches!(form.act(Action::Commit), Reply::Refused(_)));
    form.act(Action::Choose(2));
    assert_eq!(form.choices(), 2);
    assert_eq!(form.act(Action::Commit), Reply::Taken);
    assert_eq!(form.choices(), 3);
    assert!(matches!(form.act(Action::Commit), Reply::Refused(_)));
    form.act(Action::Choose(3));
    assert_eq!(
        form.act(Action::Commit),
        Reply::Given(Given::Chosen(1, Some(2)))
    );
}

#[test]
fn a_word_is_typed_and_an_empty_one_is_no_answer() {
    let mut form = form(Kind::Text(Sort::Number), (0, 0, 0));
    assert!(!form.is_typing());
    form.act(Action::Commit);
    assert!(form.is_typing());
    assert_eq!(form.act(Action::Accept), Reply::Taken);
    form.type_in(InputRequest::InsertChar('x'));
    assert!(matches!(form.act(Action::Accept), Reply::Refused(_)));
    form.type_in(InputRequest::DeletePrevChar);
    for letter in " 12 ".chars() {
        form.type_in(InputRequest::InsertChar(letter));
    }
    form.act(Action::Leave);
    assert!(!form.is_typing());
    form.act(Action::Commit);
    assert_eq!(
        form.act(Action::Accept),
        Reply::Given(Given::Text("12".to_owned()))
    );
    assert!(!form.is_typing());
}
