//! Several references in few calls: what both stores have in common.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt as _};
use secret_policy::SecretRef;

use crate::error::{Result, StoreError};
use crate::lease::Leased;
use crate::payload::SecretPayload;
use crate::store::AT_ONCE;

/// A reference with its place among all that are wanted.
pub(super) type Asked = (usize, SecretRef);
/// What one of them gave.
pub(super) type Answered = (usize, Result<Leased<SecretPayload>>);

/// Reads each with a call of its own, several at a time.
pub(super) async fn one_by_one<'a>(
    asked: Vec<Asked>,
    read: impl Fn(SecretRef) -> BoxFuture<'a, Result<Leased<SecretPayload>>>,
) -> Vec<Answered> {
    // Boxed: a future of many nested calls is large, and several of them are held at once.
    let calls: Vec<BoxFuture<'_, Answered>> = asked
        .into_iter()
        .map(|(place, reference)| read(reference).map(move |answer| (place, answer)).boxed())
        .collect();
    stream::iter(calls)
        .buffer_unordered(AT_ONCE)
        .collect()
        .await
}

/// The same failure for all.
pub(super) fn refused(asked: Vec<Asked>, error: &StoreError) -> Vec<Answered> {
    let places = asked.into_iter().map(|(place, _)| place);
    places.map(|place| (place, Err(error.clone()))).collect()
}

/// Makes the calls, several at a time, and puts what they gave into the order of the places.
pub(super) async fn in_order(
    calls: Vec<BoxFuture<'_, Vec<Answered>>>,
) -> Vec<Result<Leased<SecretPayload>>> {
    let answers: Vec<_> = stream::iter(calls)
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let mut answers: Vec<_> = answers.into_iter().flatten().collect();
    answers.sort_by_key(|(place, _)| *place);
    answers.into_iter().map(|(_, answer)| answer).collect()
}
