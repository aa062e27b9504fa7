//! Which resources this function has made.

use krm::bookkeeping::OWNED_BY;
use krm::resource::Resource;

/// The value of [`OWNED_BY`] on a resource that this function has made.
pub const OWNER: &str = "SessionServer";

/// True for a resource that this function has made.
pub fn is_ours(resource: &Resource) -> bool {
    resource.annotation(OWNED_BY) == Some(OWNER)
}
