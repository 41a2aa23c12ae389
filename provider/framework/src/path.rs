//! Where in a configuration something is: attribute paths.
//!
//! A diagnostic with a path lets Terraform underline the exact line. The empty path means the whole block.

use std::fmt;

/// One step of a [`Path`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Into the attribute or nested block of this name.
    Attribute(String),
    /// Into the map element under this key.
    Key(String),
    /// Into the list element at this zero-based index.
    Index(i64),
}

/// Steps from the root of a block to one of its values. Elements of sets have no step of their own:
/// point at the set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Path(Vec<Step>);

impl Path {
    /// The whole block.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// A path made of these steps.
    #[must_use]
    pub fn new(steps: Vec<Step>) -> Self {
        Self(steps)
    }

    /// This path extended into an attribute or block.
    #[must_use]
    pub fn attribute(self, name: impl Into<String>) -> Self {
        self.then(Step::Attribute(name.into()))
    }

    /// This path extended into a map element.
    #[must_use]
    pub fn key(self, key: impl Into<String>) -> Self {
        self.then(Step::Key(key.into()))
    }

    /// This path extended into a list element.
    #[must_use]
    pub fn index(self, index: usize) -> Self {
        self.then(Step::Index(i64::try_from(index).unwrap_or(i64::MAX)))
    }

    /// The steps, from the root.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// True for the whole block.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// This path followed by `other`.
    #[must_use]
    pub fn join(mut self, other: Path) -> Self {
        self.0.extend(other.0);
        self
    }

    pub(crate) fn push(&mut self, step: Step) {
        self.0.push(step);
    }

    pub(crate) fn pop(&mut self) {
        self.0.pop();
    }

    fn then(mut self, step: Step) -> Self {
        self.0.push(step);
        self
    }
}

/// `"name".into()` is the path of a top-level attribute.
impl From<&str> for Path {
    fn from(name: &str) -> Self {
        Self::root().attribute(name)
    }
}

/// Written as in HCL: `header["accept"].values[0]`.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Attribute(name) if position == 0 => f.write_str(name)?,
                Step::Attribute(name) => write!(f, ".{name}")?,
                Step::Key(key) => write!(f, "[\"{}\"]", key.escape_default())?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_written_as_in_hcl() {
        let path = Path::from("header")
            .key("ac\"cept")
            .attribute("values")
            .index(0);
        assert_eq!(path.to_string(), r#"header["ac\"cept"].values[0]"#);
        assert_eq!(Path::root().to_string(), "");
    }
}
