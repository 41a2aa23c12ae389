//! What holds for every provider before any core sees it.

use tf_framework::model::Model;
use tf_framework::provider::Registry;
use tf_framework::schema::Schema;

use crate::provider::{Echo, EchoConfig};

#[test]
fn the_schemas_keep_every_rule_of_the_cores() {
    let registry = Registry::of(&Echo::default());
    assert_eq!(registry.schema_problems(), Vec::<String>::new());
    assert_eq!(registry.duplicates(), Vec::<String>::new());
    assert_eq!(Schema::new(EchoConfig::block()).validate(), []);
}
