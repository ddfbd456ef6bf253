//! Measured figures with their targets.
use serde::Serialize;
use std::fmt;

/// The target of a figure.
#[derive(Clone, Copy, Debug)]
pub enum Threshold {
    RatioAtLeast(f64),
    RatioAtMost(f64),
    AtLeast(f64),
    AtMost(f64),
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RatioAtLeast(aim) => write!(f, "≥ {aim} × raw"),
            Self::RatioAtMost(aim) => write!(f, "≤ {aim} × raw"),
            Self::AtLeast(aim) => write!(f, "≥ {aim}"),
            Self::AtMost(aim) => write!(f, "≤ {aim}"),
        }
    }
}

/// A row of the table.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    pub name: String,
    pub figure: f64,
    pub unit: &'static str,
    pub ratio: Option<f64>,
    pub aim: String,
    pub holds: bool,
    #[serde(skip)]
    pub raw: Option<f64>,
}

impl Figure {
    /// Returns a figure that is compared with the raw limit, in the same unit.
    pub fn against(name: impl Into<String>, figure: f64, unit: &'static str, raw: f64, aim: Threshold) -> Self {
        let ratio = figure / raw;
        let holds = match aim {
            Threshold::RatioAtLeast(least) => ratio >= least,
            Threshold::RatioAtMost(most) => ratio <= most,
            Threshold::AtLeast(least) => figure >= least,
            Threshold::AtMost(most) => figure <= most,
        };
        Self { name: name.into(), figure, unit, ratio: Some(ratio), aim: aim.to_string(), holds, raw: Some(raw) }
    }

    /// Returns a figure without a baseline.
    pub fn alone(name: impl Into<String>, figure: f64, unit: &'static str, aim: Threshold) -> Self {
        Self { ratio: None, raw: None, ..Self::against(name, figure, unit, 1.0, aim) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_that_misses_its_target_is_marked() {
        let rate = |figure| Figure::against("rate", figure, "1/s", 100.0, Threshold::RatioAtLeast(0.8));
        assert!(rate(80.0).holds && !rate(79.0).holds);
        let time = |figure| Figure::against("time", figure, "ms", 10.0, Threshold::RatioAtMost(2.0));
        assert!(time(20.0).holds && !time(20.1).holds);
        let size = |figure| Figure::alone("size", figure, "MB", Threshold::AtMost(40.0));
        assert!(size(40.0).holds && !size(41.0).holds && size(41.0).ratio.is_none());
    }
}
