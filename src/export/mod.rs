//! The function's changes as plain data, for hosts that run no functions: the resources that it
//! adds, and patches for those that it changes.
//!
//! kustomize applies them as a Component, Flux in the post-renderer of a HelmRelease, and Argo CD
//! with its built-in kustomize. Each patch is checked before it is written: applied as kustomize
//! applies it, it must produce the function's output.
//!
//! | module | what it does |
//! |---|---|
//! | [`change`] | pairs the resources before and after a run |
//! | [`hashed`] | gives generated ConfigMaps and Secrets the names that patches may refer to |
//! | [`lists`] | says how kustomize merges the lists of Kubernetes' own types |
//! | [`strategic`] | computes and applies strategic merge patches |
//! | [`operations`] | RFC 6902 operations, for changes that a strategic merge patch cannot express |
//! | [`compose`] | composes and checks the patches of each resource |
//! | [`purpose`] | describes the purpose of a patch in one line |
//! | [`files`] | the texts of exported files, and how they are recognised later |
//! | [`documents`] | one document of a file, edited in place |
//! | [`component`] | a kustomize Component |
//! | [`kustomization`] | whether a kustomization can hold a Component; adds an entry to one |
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
    HelmReleaseError, elsewhere, post_renderer, post_renderer_lines, release_files,
    set_post_renderer,
};
pub use kustomization::{AddEntryError, add_entry, own_transformers};
