//! How much was tried.

use std::collections::BTreeMap;
use std::fmt;

use super::host::Host;

/// Steps, and what came of them.
#[derive(Default)]
pub(crate) struct Counts {
    /// All steps.
    pub(crate) steps: u32,
    /// Those that changed what the manifests mean.
    pub(crate) effective: u32,
    /// Manifests that kustomize or kpt wrote anew.
    pub(crate) rewritten: u32,
    hosts: BTreeMap<Host, Runs>,
}

/// The runs of one host.
#[derive(Clone, Copy, Default)]
pub(crate) struct Runs {
    /// They gave manifests.
    pub(crate) given: u32,
    /// The function refused them.
    pub(crate) refused: u32,
    /// The host, or `export`, refused what the function does.
    pub(crate) not_possible: u32,
}

impl Counts {
    /// The runs of a host.
    pub(crate) fn of(&mut self, host: Host) -> &mut Runs {
        self.hosts.entry(host).or_default()
    }

    /// Asserts that all was tried, and enough of it had an effect.
    ///
    /// # Panics
    ///
    /// If not.
    pub(crate) fn check(mut self) {
        assert!(self.effective * 3 > self.steps, "{self}");
        assert!(self.rewritten > 0, "{self}");
        for host in Host::ALL {
            let Runs {
                given,
                not_possible,
                ..
            } = *self.of(host);
            assert!(given > 0, "{host:?}: {self}");
            // `export` cannot say everything; the others give all that the function gives.
            let allowed = if host.is_export() { given / 4 } else { 0 };
            assert!(not_possible <= allowed, "{host:?}: {self}");
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            steps,
            effective,
            rewritten,
            hosts,
        } = self;
        write!(
            f,
            "{steps} steps, {effective} of which had an effect; {rewritten} times written anew"
        )?;
        for (
            host,
            Runs {
                given,
                refused,
                not_possible,
            },
        ) in hosts
        {
            write!(
                f,
                "; {host:?}: {given} runs, {refused} refused by the function, {not_possible} by the host"
            )?;
        }
        Ok(())
    }
}
