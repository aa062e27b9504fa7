//! The ways to run a function, as a definition tells them.

use serde_json::{Value, json};

use crate::digest::Digest;
use crate::target::Target;

/// The programs and the image of a release.
///
/// The KEP has no words for modules: they are in the image, under their own platforms.
#[derive(Clone, Debug, Default)]
pub(crate) struct Runtimes {
    programs: Vec<Value>,
    image: Option<Value>,
}

impl Runtimes {
    /// Adds a launcher by its archive.
    pub(crate) fn add_program(&mut self, target: Target, archive: &str, content: &[u8]) {
        self.programs.push(json!({
            "bin": target.program(),
            "os": target.system,
            "arch": target.cpu,
            "uri": format!(
                "{}/releases/download/v{}/{archive}",
                super::HOME,
                env!("CARGO_PKG_VERSION")
            ),
            "sha256": Digest::of(content).to_string(),
        }));
    }

    /// Sets the image.
    pub(crate) fn set_image(&mut self, name: &str, version: &str, index: Option<Digest>) {
        let mut image = image(name, version);
        if let (Some(members), Some(index)) = (image.as_object_mut(), index) {
            members.insert("sha256".to_owned(), index.to_string().into());
        }
        self.image = Some(image);
    }

    /// Before a release there is a name for the image and nothing else.
    pub(super) fn to_json(&self) -> Value {
        let image = self.image.clone();
        let image = image.unwrap_or_else(image_without_release);
        if self.programs.is_empty() {
            return json!({"container": image});
        }
        json!({"container": image, "exec": {"platforms": self.programs}})
    }
}

fn image_without_release() -> Value {
    image("runner-terminal", env!("CARGO_PKG_VERSION"))
}

fn image(name: &str, version: &str) -> Value {
    json!({
        "image": format!("{name}:{version}"),
        "requireNetwork": false,
        "requireStorageMount": false,
    })
}
