//! `secretref_password`: a random password, made anew at every open and stored nowhere.

use async_trait::async_trait;
use secret_value::Secret;
use tf_framework::model;
use tf_framework::prelude::*;

use crate::password::{Choices, Demands};
use crate::session::Session;

model! {
    /// Makes a random password for the duration of a run. It is not kept: a plan and the apply that
    /// follows see different values. Use the `generate` block of `secretref_secret` for a password that is
    /// made once and kept in a secret store.
    pub(crate) struct PasswordModel {
        /// Length in characters, 1 to 1024. Default 32.
        pub(crate) length: Option<i64> = optional(),
        /// Whether lower-case letters a-z are used. Default true.
        pub(crate) lower: Option<bool> = optional(),
        /// Whether upper-case letters A-Z are used. Default true.
        pub(crate) upper: Option<bool> = optional(),
        /// Whether digits 0-9 are used. Default true.
        pub(crate) numeric: Option<bool> = optional(),
        /// Whether special characters are used. Default true.
        pub(crate) special: Option<bool> = optional(),
        /// How many lower-case letters there are at least. Default 0.
        pub(crate) min_lower: Option<i64> = optional(),
        /// How many upper-case letters there are at least. Default 0.
        pub(crate) min_upper: Option<i64> = optional(),
        /// How many digits there are at least. Default 0.
        pub(crate) min_numeric: Option<i64> = optional(),
        /// How many special characters there are at least. Default 0.
        pub(crate) min_special: Option<i64> = optional(),
        /// The special characters to use instead of ``!#%&*()-_=+[]{}<>:?``.
        pub(crate) override_special: Option<String> = optional(),
        /// The password.
        pub(crate) value: Option<Secret> = computed().sensitive(),
        /// Entropy in bits: how many yes-or-no guesses the password is worth at least.
        pub(crate) entropy_bits: Option<f64> = computed(),
    }
}

impl PasswordModel {
    fn demands(&self) -> Result<Demands, Diagnostics> {
        Choices {
            length: self.length,
            lower: (self.lower, self.min_lower),
            upper: (self.upper, self.min_upper),
            numeric: (self.numeric, self.min_numeric),
            special: (self.special, self.min_special),
            override_special: self.override_special.as_deref(),
        }
        .demands()
    }
}

/// The resource.
pub(crate) struct Password;

#[async_trait]
impl EphemeralResource for Password {
    type Data = Session;
    type Model = PasswordModel;

    fn name(&self) -> &'static str {
        "secretref_password"
    }

    async fn validate(&self, config: &Config) -> Diagnostics {
        match config.whole::<PasswordModel>().map(|model| model.demands()) {
            Some(Err(problems)) => problems,
            _ => Diagnostics::new(),
        }
    }

    async fn open(
        &self,
        _context: &Context<Session>,
        mut config: PasswordModel,
    ) -> Result<Opened<PasswordModel>, Diagnostics> {
        let demands = config.demands()?;
        config.value = Some(demands.generate(&mut rand::rng()));
        config.entropy_bits = Some(demands.entropy_bits().floor());
        Ok(Opened::new(config))
    }
}
