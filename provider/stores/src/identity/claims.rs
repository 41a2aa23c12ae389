//! What a JSON Web Token says about itself. Its signature is for the one who accepts it to verify.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use jiff::Timestamp;
use secret_value::Secret;
use serde_json::Value;

/// The claims of a token, read but not verified.
#[derive(Clone, Debug)]
pub struct TokenClaims {
    /// Everything it says.
    pub all: Value,
    /// Whom it is for (`aud`).
    pub audiences: Vec<String>,
    /// When it ends (`exp`); `None` when it does not say.
    pub expires: Option<Timestamp>,
}

impl TokenClaims {
    /// Reads a token in compact form.
    ///
    /// # Errors
    /// What is wrong with it; never its text.
    pub fn read(token: &Secret) -> Result<Self, &'static str> {
        #[expect(
            clippy::disallowed_methods,
            reason = "the claims of the token are no secret; its signature is not kept"
        )]
        let token = std::str::from_utf8(token.expose()).map_err(|_| "it is not text")?;
        let mut parts = token.trim().split('.');
        let (Some(_), Some(payload), Some(_), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err("it does not have the three parts of a JSON Web Token");
        };
        let payload = BASE64_URL_SAFE_NO_PAD
            .decode(payload)
            .map_err(|_| "its second part is not base64url")?;
        let all: Value =
            serde_json::from_slice(&payload).map_err(|_| "its second part is not JSON")?;
        let expires = match all.get("exp") {
            None => None,
            Some(seconds) => Some(moment(seconds).ok_or("its expiry (`exp`) is no time")?),
        };
        let audiences = match all.get("aud") {
            Some(Value::String(one)) => vec![one.clone()],
            Some(Value::Array(several)) => several
                .iter()
                .filter_map(|one| one.as_str().map(str::to_owned))
                .collect(),
            _ => Vec::new(),
        };
        Ok(Self {
            all,
            audiences,
            expires,
        })
    }
}

/// A time in seconds since 1970; fractions are allowed and cut off.
fn moment(seconds: &Value) -> Option<Timestamp> {
    let whole = seconds.as_i64().or_else(|| {
        let fractional = seconds.as_f64()?;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "saturates, and what is out of range is no time"
        )]
        let whole = fractional as i64;
        Some(whole)
    })?;
    Timestamp::from_second(whole).ok()
}
