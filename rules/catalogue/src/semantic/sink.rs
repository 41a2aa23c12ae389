//! Reports a secret that flows into a place where it leaks.

use hcl_syntax::ExprKind;
use secretlint_core::facts::{Hop, HopKind, Position, Reference, Subject};
use secretlint_core::{Cx, Finding, Place, Related, RuleMeta, Sink};

use crate::semantic::secrecy::{is_harmless, last_key, secret_behind, secret_variable};
use crate::values::meaning_of;

/// What flows into a position: where to point, what it is called.
pub(crate) struct Leak {
    /// The reference, when it stands in the value itself; else the whole value.
    pub(crate) place: Place,
    /// The secret's address.
    pub(crate) what: String,
    /// Where the secret enters, when that is somewhere else.
    pub(crate) from: Option<Place>,
    /// The steps between, outermost first.
    pub(crate) way: Vec<Related>,
}

/// Steps that are named; longer ways are cut in the middle of nowhere, but ends are always shown.
const MAX_STEPS: usize = 8;

/// The way a value took as places to look at, from where it is used to where it comes from.
pub(crate) fn steps(way: &[Hop<'_>]) -> Vec<Related> {
    let step = |hop: &Hop<'_>| {
        let name = &hop.name;
        let message = match hop.kind {
            HopKind::Local => format!("through `local.{name}`"),
            HopKind::Default => format!("through the default of `var.{name}`"),
            HopKind::Assignment => format!("given to `var.{name}` by a variable file"),
            HopKind::Input => format!("handed to the module as `{name}`"),
            HopKind::Output => format!("through the output `{name}`"),
            HopKind::Argument => format!("through the argument `{name}`"),
            HopKind::Collection => "through what it runs over".to_owned(),
        };
        Related {
            place: hop.place,
            message,
        }
    };
    way.iter().take(MAX_STEPS).map(step).collect()
}

/// The secret that flows into a position, if any: not where only a hash of it is left. Nothing flows into a
/// constant.
pub(crate) fn leak<'a>(cx: &Cx<'_, 'a>, position: &Position<'_, 'a>) -> Option<Leak> {
    if position.hashed || position.literal().is_some() {
        return None;
    }
    let trace = cx.trace_at(position);
    let whole = position.place();
    let inside = |place: Place| {
        place.file == whole.file && whole.start <= place.start && place.end <= whole.end
    };
    if let Some((source, _)) = secret_behind(cx, trace) {
        let here = source.way.first().map_or(source.place, |hop| hop.place);
        let here = if source.way.is_empty() {
            source.place
        } else {
            here
        };
        return Some(Leak {
            place: if inside(here) { here } else { whole },
            what: source.reference.address(),
            from: (!inside(source.place)).then_some(source.place),
            way: steps(&source.way),
        });
    }
    if let Some(variable) = secret_variable(cx, trace) {
        let place = direct(
            position,
            |reference| matches!(&reference.subject, Subject::Variable(name) if *name == variable),
        );
        let what = format!("var.{variable}");
        return Some(Leak {
            place: place.map_or(whole, |(place, _)| place),
            what,
            from: None,
            way: Vec::new(),
        });
    }
    if trace.passed.is_empty() || is_harmless(cx, trace) {
        return None;
    }
    // `var.app.webhook_secret`: the part of a structure says what it is.
    let passed =
        |subject: &Subject<'_>| trace.passed.iter().any(|passed| passed.symbol == *subject);
    let secret_part = |reference: &Reference<'_>| {
        let named = last_key(reference)
            .and_then(meaning_of)
            .is_some_and(|meaning| meaning.strong);
        named && matches!(reference.subject, Subject::Variable(_)) && passed(&reference.subject)
    };
    direct(position, secret_part).map(|(place, what)| Leak {
        place,
        what,
        from: None,
        way: Vec::new(),
    })
}

/// The first reference that stands in the value itself and is wanted.
fn direct<'a>(
    position: &Position<'_, 'a>,
    wanted: impl Fn(&Reference<'a>) -> bool,
) -> Option<(Place, String)> {
    position.expr.walk().find_map(|expr| {
        let ExprKind::Traversal(traversal) = expr.kind() else {
            return None;
        };
        let reference = Reference::of(traversal);
        wanted(&reference).then(|| (position.block.file.place(expr.span()), reference.address()))
    })
}

/// Emits the finding of a leak.
pub(crate) fn report(
    meta: &RuleMeta,
    position: &Position<'_, '_>,
    leak: &Leak,
    message: String,
    sink: &mut Sink,
) {
    report_with(meta, (position, None), leak, message, sink);
}

/// Emits the finding of a leak with an advice that fits the place better than the rule's own.
pub(crate) fn report_with(
    meta: &RuleMeta,
    (position, advice): (&Position<'_, '_>, Option<&'static str>),
    leak: &Leak,
    message: String,
    sink: &mut Sink,
) {
    let mut finding = Finding::new(meta, leak.place, position.address(), message);
    if let Some(advice) = advice {
        finding.help = advice.into();
    }
    // The last step is the source itself, or the value around it.
    let before = leak.way.len().saturating_sub(1);
    finding
        .related
        .extend(leak.way.iter().take(before).cloned());
    if let Some(place) = leak.from {
        finding.related.push(Related {
            place,
            message: format!("`{}` comes from here", leak.what),
        });
    }
    sink.report(finding);
}
