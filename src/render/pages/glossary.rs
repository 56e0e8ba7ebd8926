//! The glossary as markdown.

use super::Medium;
use crate::curriculum::Curriculum;
use crate::curriculum::glossary::Term;

/// The whole page.
pub fn glossary(terms: &[Term], curriculum: &Curriculum, medium: Medium<'_>) -> String {
    let mut out = format!(
        "# Glossary\n\nWords of manual pages and of the kernel, as this program uses them. Behind each \
         sentence stands where more is written.{}\n",
        medium.search()
    );
    for one in terms {
        out += &format!("\n{}\n", term(one, curriculum, medium));
    }
    out
}

/// One word: what it means, and where more is written.
pub fn term(term: &Term, curriculum: &Curriculum, medium: Medium<'_>) -> String {
    let page = term.reference.as_deref().map(|page| medium.page(page));
    let ident = term.ident.as_deref().map(|name| medium.ident(name));
    let lesson = term.lesson.as_ref();
    let lesson = lesson.and_then(|it| medium.lesson(&it.value, curriculum));
    let places: Vec<String> = [page, ident, lesson].into_iter().flatten().collect();
    let (name, says) = (&term.name.value, term.says.trim());
    format!("**{name}**: {says} ({})", places.join(", "))
}
