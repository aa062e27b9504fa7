//! functionConfigs in places where they are not read: inside a List, a Template or an array.

use krm::documents::ANY_VERSION;
use krm::resource_list::ResourceList;
use krm::results::FunctionResult;

/// Warns about functionConfigs of this function inside other items, where they have no effect.
pub fn unused(list: &ResourceList<'_>) -> Vec<FunctionResult> {
    if !list.has_members() {
        return Vec::new();
    }
    list.candidates(
        &["SessionServer", "AdvertiseAddress", "VerifyTerminals"],
        ANY_VERSION,
    )
    .into_iter()
    .filter(|item| !list.path(*item).is_empty())
    .filter_map(|item| list.resource(item).ok())
    .filter(|config| config.identity.api_version.starts_with(ANY_VERSION))
    .map(|config| {
        FunctionResult::warning(
            "this functionConfig is not used, because it stands inside a List, a Template or an \
                 array: make it a document of its own",
        )
        .about(&config.identity)
    })
    .collect()
}
