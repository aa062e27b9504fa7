//! What the function changes, as plain data for hosts that run no functions: the resources that it
//! adds, and patches of those that it changes.
//!
//! kustomize applies them in a Component, Flux in a HelmRelease's post-renderer, and Argo CD in its
//! built-in kustomize. Each patch is checked before it is given: applied to the resource as kustomize
//! applies it, it gives what the function gives.
//!
//! | module | what it does |
//! |---|---|
//! | [`change`] | pairs the resources before and after a run |
//! | [`hashed`] | gives generated ConfigMaps and Secrets the names that patches may refer to |
//! | [`lists`] | says how kustomize merges the lists of Kubernetes' own types |
//! | [`strategic`] | strategic merge patches: finds one, and applies one |
//! | [`operations`] | RFC 6902 operations for what these cannot say |
//! | [`compose`] | one resource's patches, checked |
//! | [`purpose`] | what a patch is for, in a line |
//! | [`files`] | the texts of files, and how our own are recognised |
//! | [`component`] | a kustomize Component |
//! | [`kustomization`] | whether a Component may stand in a kustomization; adding an entry to one |
//! | [`helm_release`] | the post-renderer of a Flux HelmRelease |
//! | [`application`] | an Argo CD Application |

mod application;
mod change;
mod component;
mod compose;
mod documents;
mod files;
mod hashed;
mod helm_release;
mod kustomization;
mod lists;
mod operations;
mod purpose;
mod strategic;

pub use application::{ApplicationError, add_component};
pub use change::{Change, changes};
pub use component::component;
pub use compose::{Added, Export, ExportError, Form, Patch, Secrets, export};
pub use documents::EditedDocumentError;
pub use files::{ExportedFile, KUSTOMIZATION, MARKER, is_ours};
pub use hashed::{HashedNames, NotTheSame, compare};
pub use helm_release::{
    HelmReleaseError, post_renderer, post_renderer_lines, release_files, set_post_renderer,
};
pub use kustomization::{AddEntryError, add_entry, own_transformers};
