//! `store set`, `store get`, `store remove`: accesses to values. Recorded in the access log like those of
//! Terraform; not judged by the policy, which is about configurations: whoever holds the key manages the
//! store.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use jiff::{Span, Timestamp, ToSpan as _};
use secret_policy::SecretRef;
use secret_stores::select;
use secret_stores::{
    Environment, ErrorKind, FetchOptions, Metadata, Precondition, StoreError, Stores, WriteRequest,
};

use super::arguments::{Get, Set};
use super::store::{ask_for_passphrase, local_reference};
use super::{input, output};
use crate::settings;

/// How often a write is tried again when somebody else wrote in between.
const ATTEMPTS: usize = 5;

pub(super) fn set(environment: &Environment, arguments: &Set) -> anyhow::Result<()> {
    let reference = local_reference(&arguments.reference)?;
    if reference.version().is_some() {
        bail!("`{reference}` names a version: a value is always stored as a new one");
    }
    let expires = arguments.expires.as_deref().map(moment).transpose()?;
    let value = input::value(arguments.raw)?;
    let precondition = if arguments.if_absent {
        Precondition::Absent
    } else {
        Precondition::None
    };
    let request = WriteRequest {
        precondition,
        expires,
        ..WriteRequest::new(value)
    };
    let stored = block_on(environment, async |stores| {
        if reference.selector().is_some() {
            set_member(&stores, &reference, &request).await
        } else {
            stores.write(&reference, &request).await
        }
    })?;
    let version = stored.version.unwrap_or_default();
    Ok(output::line(&format!(
        "Stored {reference}, version {version}."
    ))?)
}

/// Stores one member of a JSON object; the other members stay. Somebody else's change in between is kept.
async fn set_member(
    stores: &Stores,
    reference: &SecretRef,
    request: &WriteRequest,
) -> Result<Metadata, StoreError> {
    let whole = reference.without_selector();
    let mut attempts = 1..=ATTEMPTS;
    loop {
        let (current, precondition) = match stores
            .store(&whole)?
            .fetch(&whole, &FetchOptions::default())
            .await
        {
            Ok(found) => {
                let payload = found.value;
                let version = payload.metadata.version.clone();
                (
                    Some(payload),
                    version.map_or(Precondition::None, Precondition::Version),
                )
            }
            Err(error) if error.kind() == ErrorKind::NotFound => (None, Precondition::Absent),
            Err(error) => return Err(error),
        };
        let absent_only = request.precondition == Precondition::Absent;
        let value = select::insert(reference, current.as_ref(), &request.value, absent_only)?;
        let attempt = WriteRequest {
            value,
            precondition,
            expires: request.expires,
        };
        match stores.write(&whole, &attempt).await {
            Err(error) if error.kind() == ErrorKind::Conflict && attempts.next().is_some() => {}
            done => return done,
        }
    }
}

pub(super) fn get(environment: &Environment, arguments: &Get) -> anyhow::Result<()> {
    let reference = local_reference(&arguments.reference)?;
    output::check_terminal(arguments.reveal)?;
    let value = block_on(environment, async |stores| {
        let store = stores.store(&reference)?;
        let answer = store.fetch(&reference, &FetchOptions::default()).await;
        let answer = answer.map_err(|error| error.with_reference(&reference))?;
        // People may look at a whole object; a configuration has to say which member it means.
        match reference.selector() {
            None => Ok(answer.value.body),
            Some(_) => select::select(&reference, &answer.value)
                .map_err(|error| error.with_reference(&reference)),
        }
    })?;
    output::value(&value, arguments.base64)
}

pub(super) fn remove(environment: &Environment, text: &str) -> anyhow::Result<()> {
    let reference = local_reference(text)?;
    if reference.selector().is_some() {
        bail!(
            "`{reference}` names a part of a secret; remove the whole, or set it anew without the part"
        );
    }
    block_on(environment, async |stores| stores.remove(&reference).await)?;
    Ok(output::line(&format!("Removed {reference}."))?)
}

/// Runs `work` on the stores of the surroundings, recorded in the access log.
fn block_on<T>(
    environment: &Environment,
    work: impl AsyncFnOnce(Arc<Stores>) -> Result<T, StoreError>,
) -> anyhow::Result<T> {
    let stores = settings::unguarded_stores(environment, ask_for_passphrase())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let stores = Arc::new(stores);
    let done = runtime.block_on(work(Arc::clone(&stores)));
    stores.finish()?;
    Ok(done?)
}

/// A time, or a duration from now, in the notation of RFC 3339 or as `90d`, `2w`, `12h`.
fn moment(text: &str) -> anyhow::Result<Timestamp> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let span: Span = text.parse().map_err(|_| {
        anyhow::anyhow!(
            "`{text}` is neither a time such as 2027-01-31T00:00:00Z nor a duration such as 90d"
        )
    })?;
    // Days and weeks have no fixed length on a calendar; here they are 24 hours and seven of those.
    let hours = i64::from(span.get_weeks()) * 7 * 24 + i64::from(span.get_days()) * 24;
    let exact = span.weeks(0).days(0);
    Timestamp::now()
        .checked_add(hours.hours())
        .and_then(|time| time.checked_add(exact))
        .map_err(|_| {
            anyhow::anyhow!("`{text}` is no duration of weeks, days, hours, minutes and seconds")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_durations_are_read() {
        assert_eq!(
            moment("2027-01-31T00:00:00Z").unwrap().as_second(),
            1_801_353_600
        );
        for (text, hours) in [
            ("90d", 90 * 24),
            ("2w", 14 * 24),
            ("12h", 12),
            ("1d 6h", 30),
        ] {
            let ahead = moment(text)
                .unwrap()
                .duration_since(Timestamp::now())
                .as_hours();
            assert!((hours - 1..=hours).contains(&ahead), "{text}: {ahead}");
        }
        for text in ["soon", "", "90", "2 months"] {
            assert!(moment(text).is_err(), "{text}");
        }
    }
}
