//! Everything that can be reported. Read [`patterns::Catalogue`] for credential formats, which are
//! data in `credentials/<vendor>.toml`.

pub mod patterns;
