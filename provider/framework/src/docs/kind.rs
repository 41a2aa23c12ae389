//! Where pages and examples of each kind are kept.

/// A kind of thing that has pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `actions/<type>/action.tf`
    Action,
    /// `data-sources/<type>/data-source.tf`
    DataSource,
    /// `ephemeral-resources/<type>/ephemeral-resource.tf`
    Ephemeral,
    /// `functions/<name>/function.tf`
    Function,
    /// `list-resources/<type>/list-resource.tf`
    List,
    /// `resources/<type>/resource.tf`, and `import.sh` beside it when it can be imported
    Managed,
    /// `state-stores/<type>/state-store.tf`
    StateStore,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::Action,
        Self::DataSource,
        Self::Ephemeral,
        Self::Function,
        Self::List,
        Self::Managed,
        Self::StateStore,
    ];

    /// The folder, both of pages and of examples.
    #[must_use]
    pub fn folder(self) -> &'static str {
        match self {
            Self::Action => "actions",
            Self::DataSource => "data-sources",
            Self::Ephemeral => "ephemeral-resources",
            Self::Function => "functions",
            Self::List => "list-resources",
            Self::Managed => "resources",
            Self::StateStore => "state-stores",
        }
    }

    /// As page titles call it.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Action => "Action",
            Self::DataSource => "Data Source",
            Self::Ephemeral => "Ephemeral Resource",
            Self::Function => "Function",
            Self::List => "List Resource",
            Self::Managed => "Resource",
            Self::StateStore => "State Store",
        }
    }

    /// Path of the example of `type_name` below the folder of examples.
    pub(super) fn example(self, type_name: &str) -> String {
        let folder = self.folder();
        let file = folder.strip_suffix('s').unwrap_or(folder);
        format!("{folder}/{type_name}/{file}.tf")
    }
}
