//! Where the things are: in memory, and in a folder when the configuration names one, so that the next
//! process finds them.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use tf_framework::codec::msgpack;
use tf_framework::model::{Model, Unknowns, from_value, to_value};
use tf_framework::types::Type;

use super::thing::ThingModel;

#[derive(Default)]
pub struct Things {
    by_id: BTreeMap<String, ThingModel>,
    folder: Option<PathBuf>,
}

impl Things {
    /// Reads what an earlier process left in `folder`, and keeps everything there from now on.
    pub fn keep_in(&mut self, folder: PathBuf) {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let id = path.file_name().unwrap().to_string_lossy().into_owned();
            let value = msgpack::decode(&fs::read(&path).unwrap(), &ty()).unwrap();
            self.by_id
                .insert(id, from_value(value, Unknowns::Refuse).unwrap());
        }
        self.folder = Some(folder);
    }

    pub fn get(&self, id: &str) -> Option<&ThingModel> {
        self.by_id.get(id)
    }

    pub fn insert(&mut self, id: String, thing: ThingModel) {
        if let Some(folder) = &self.folder {
            let stored = ThingModel {
                value_wo: None,
                ..thing.clone()
            };
            let bytes = msgpack::encode(&to_value(stored), &ty()).unwrap();
            fs::write(folder.join(&id), bytes).unwrap();
        }
        self.by_id.insert(id, thing);
    }

    pub fn remove(&mut self, id: &str) {
        if let Some(folder) = &self.folder {
            let _ = fs::remove_file(folder.join(id));
        }
        self.by_id.remove(id);
    }

    pub fn values(&self) -> impl Iterator<Item = &ThingModel> {
        self.by_id.values()
    }
}

fn ty() -> Type {
    ThingModel::block().ty()
}
