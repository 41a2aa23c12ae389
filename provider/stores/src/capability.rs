//! What a store can do, as data: the conformance suite, the documentation and error texts read it.

/// What a store can do. A call outside it is an error of kind `unsupported`, never silence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capability {
    /// Values can be fetched.
    pub fetch: bool,
    /// Metadata can be read without the value.
    pub metadata: bool,
    /// Values can be stored.
    pub write: bool,
    /// A write can demand that nothing, or a certain version, is stored.
    pub conditional_write: bool,
    /// Secrets can be removed.
    pub remove: bool,
    /// Older versions can be fetched with `?version=`.
    pub versions: bool,
    /// Values may be any bytes, not only text.
    pub binary: bool,
    /// Answers may carry a lease that can be renewed.
    pub renew: bool,
    /// Answers may carry a lease that can be revoked.
    pub revoke: bool,
    /// [`crate::SecretStore::fetch_many`] needs fewer calls than one for each reference.
    pub batch: bool,
}

impl Capability {
    /// A store that can only be read.
    pub const READ_ONLY: Self = Self {
        fetch: true,
        metadata: true,
        write: false,
        conditional_write: false,
        remove: false,
        versions: false,
        binary: true,
        renew: false,
        revoke: false,
        batch: false,
    };
}
