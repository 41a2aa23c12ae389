//! Everything that can be reported. Read [`patterns::Catalogue`] for credential formats, which are
//! data in `credentials/<vendor>.toml`, and [`semantic`] for what is decided by meaning.

pub mod patterns;
pub mod schemas;
pub mod semantic;
pub mod values;
