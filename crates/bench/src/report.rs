//! Reports of figures: a table for people, JSON for programs.
use crate::figure::Figure;
use anyhow::Result;
use std::{fmt, path::Path};

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.holds { "holds" } else { "MISSED" };
        write!(f, "{:<52} {:>10} {:<4}", self.name, short(self.figure), self.unit)?;
        let against = match (self.ratio, self.raw) {
            (Some(ratio), Some(raw)) => format!("{ratio:>6.2} × {}", short(raw)),
            _ => String::new(),
        };
        write!(f, " {against:<20} {:<14} {word}", self.aim)
    }
}

fn short(number: f64) -> String {
    let digits = if number >= 1_000.0 {
        0
    } else if number >= 10.0 {
        1
    } else {
        2
    };
    format!("{number:.digits$}")
}

/// Prints how many figures there are and how many miss their target.
pub fn sum_up(figures: &[Figure]) {
    let missed = figures.iter().filter(|figure| !figure.holds).count();
    println!("\n{} figures, {missed} missed", figures.len());
}

/// Writes the rows as a JSON list.
///
/// # Errors
/// Fails if the file cannot be written.
pub fn write(figures: &[Figure], file: &Path) -> Result<()> {
    Ok(std::fs::write(file, serde_json::to_vec_pretty(figures)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Threshold;

    #[test]
    fn a_row_has_the_fields_that_programs_rely_on() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let figures = [
            Figure::against("rate", 50.0, "1/s", 100.0, Threshold::RatioAtLeast(0.8)),
            Figure::alone("size", 12.5, "MB", Threshold::AtMost(40.0)),
        ];
        write(&figures, file.path()).unwrap();
        let rows: serde_json::Value = serde_json::from_slice(&std::fs::read(file.path()).unwrap()).unwrap();
        let rate = serde_json::json!({ "name": "rate", "figure": 50.0, "unit": "1/s", "ratio": 0.5, "aim": "≥ 0.8 × raw", "holds": false });
        assert_eq!(rows[0], rate);
        assert_eq!((&rows[1]["ratio"], &rows[1]["holds"]), (&serde_json::Value::Null, &true.into()));
        assert!(figures[0].to_string().contains("MISSED") && figures[1].to_string().contains("holds"));
    }
}
