//! Reports a secret that flows into a place where it leaks.

use secretlint_core::facts::Position;
use secretlint_core::{Cx, Finding, Place, Related, RuleMeta, Sink};

use crate::semantic::secrecy::{Secrecy, secret_behind, secret_variable};

/// What flows into a position: where to point, what it is called, whether it is ephemeral.
pub(crate) struct Leak {
    /// The reference, when it stands in the value itself; else the whole value.
    pub(crate) place: Place,
    /// The secret's address.
    pub(crate) what: String,
    /// Where the secret enters, when that is somewhere else.
    pub(crate) from: Option<Place>,
    /// True when Terraform keeps the value out of state by itself.
    pub(crate) ephemeral: bool,
}

/// The secret that flows into a position, if any.
pub(crate) fn leak<'a>(cx: &Cx<'_, 'a>, position: &Position<'_, 'a>) -> Option<Leak> {
    let trace = cx.trace_at(position);
    let whole = position.place();
    let inside = |place: Place| place.file == whole.file && whole.start <= place.start && place.end <= whole.end;
    if let Some((source, secrecy)) = secret_behind(cx, trace) {
        let here = source.way.first().map_or(source.place, |hop| hop.place);
        let here = if source.way.is_empty() { source.place } else { here };
        return Some(Leak {
            place: if inside(here) { here } else { whole },
            what: source.reference.address(),
            from: (!inside(source.place)).then_some(source.place),
            ephemeral: secrecy == Secrecy::Ephemeral,
        });
    }
    let variable = secret_variable(cx, trace)?;
    Some(Leak { place: whole, what: format!("var.{variable}"), from: None, ephemeral: false })
}

/// Emits the finding of a leak.
pub(crate) fn report(meta: &RuleMeta, position: &Position<'_, '_>, leak: Leak, message: String, sink: &mut Sink) {
    let mut finding = Finding::new(meta, leak.place, position.address(), message);
    if let Some(place) = leak.from {
        finding.related.push(Related { place, message: format!("`{}` comes from here", leak.what) });
    }
    sink.report(finding);
}
