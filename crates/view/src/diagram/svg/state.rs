//! How a state looks.

use crate::diagram::State;

impl State {
    pub(super) fn colour(self) -> &'static str {
        match self {
            Self::Ready => "#1a7f37",
            Self::Configured => "#0b5cad",
            Self::Pending => "#8a5a00",
            Self::Broken => "#c0242b",
            Self::Off => "#596275",
        }
    }

    pub(super) fn tint(self) -> &'static str {
        match self {
            Self::Ready | Self::Configured => "#ffffff",
            Self::Pending => "#fff4d6",
            Self::Broken => "#ffe9e9",
            Self::Off => "#eceff3",
        }
    }

    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Ready => "tp-ready",
            Self::Configured => "tp-configured",
            Self::Pending => "tp-pending",
            Self::Broken => "tp-broken",
            Self::Off => "tp-off",
        }
    }

    /// The dash pattern of the line around a stop; empty for a solid line.
    pub(super) fn dashes(self) -> &'static str {
        match self {
            Self::Ready | Self::Configured | Self::Broken => "none",
            Self::Pending => "6 4",
            Self::Off => "2 4",
        }
    }

    /// The symbol in the round sign before the word.
    pub(super) fn sign(self) -> &'static str {
        match self {
            Self::Ready => "M-3.2 0.2L-1 2.6L3.4 -2.4",
            Self::Configured => "M-2.8 -2.4H2.8M-2.8 0H2.8M-2.8 2.4H0.6",
            Self::Pending => "M0 -3.4V0.4L2.6 1.8",
            Self::Broken => "M-2.6 -2.6L2.6 2.6M2.6 -2.6L-2.6 2.6",
            Self::Off => "M-3.2 0H3.2",
        }
    }
}

impl State {
    pub(super) fn dashes_of_link(self) -> &'static str {
        match self {
            Self::Ready | Self::Configured => "none",
            Self::Pending | Self::Broken | Self::Off => "4 4",
        }
    }
}
