//! Contrast rule: text and fields have enough contrast in both themes, as the design tokens promise.

use crate::root::path;
use std::collections::BTreeMap;

/// The colors of a theme by token.
type Theme = BTreeMap<String, [f64; 3]>;

/// Reads the tokens of the light and the dark theme.
fn themes() -> [Theme; 2] {
    let tokens = std::fs::read_to_string(path("style/tokens.css")).unwrap();
    let mut themes = [Theme::new(), Theme::new()];
    for line in tokens.lines().filter(|line| line.contains(": light-dark(#") || line.contains(": #")) {
        let (name, value) = line.trim().strip_prefix("--").unwrap().split_once(": ").unwrap();
        let colors: Vec<_> = value.split('#').skip(1).map(|text| color(&text[..6])).collect();
        for (theme, color) in themes.iter_mut().zip([colors[0], *colors.last().unwrap()]) {
            theme.insert(name.to_owned(), color);
        }
    }
    themes
}

fn color(hex: &str) -> [f64; 3] {
    let part = |at: usize| f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
    [part(0), part(2), part(4)]
}

/// Returns the contrast ratio of two colors (WCAG 2.2).
fn contrast(a: [f64; 3], b: [f64; 3]) -> f64 {
    let linear = |c: f64| if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) };
    let luminance = |[r, g, b]: [f64; 3]| 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
    a.max(b) / a.min(b)
}

const GROUNDS: [&str; 4] = ["canvas", "frame", "surface", "raised"];

#[test]
fn d_09_text_has_a_contrast_of_4_5_and_the_border_of_a_field_of_3_in_both_themes() {
    let everywhere =
        ["ink", "muted", "accent", "bad"].into_iter().flat_map(|text| GROUNDS.map(|ground| (text, ground)));
    let on_own_ground =
        ["waiting", "running", "good", "bad", "stopped", "accent"].map(|tone| (tone, format!("{tone}-soft")));
    let on_fills = [("accent-ink", "accent-fill"), ("bad-ink", "bad-fill"), ("log-ink", "log"), ("log-muted", "log")];
    for (name, theme) in ["light", "dark"].into_iter().zip(themes()) {
        let check = |text: &str, ground: &str, least: f64| {
            let ratio = contrast(theme[text], theme[ground]);
            assert!(ratio >= least, "{text} on {ground} in the {name} theme: {ratio:.2} is less than {least}");
        };
        everywhere.clone().for_each(|(text, ground)| check(text, ground, 4.5));
        on_own_ground.iter().for_each(|(text, ground)| check(text, ground, 4.5));
        on_fills.iter().for_each(|(text, ground)| check(text, ground, 4.5));
        for ground in ["canvas", "frame", "surface"] {
            check("control", ground, 3.0);
            check("accent-fill", ground, 3.0);
        }
    }
}

/// Both themes have similar contrast: the ratio of the same pair differs by less than a third.
#[test]
fn d_09_both_themes_have_about_the_same_contrast() {
    let [light, dark] = themes();
    for (text, ground) in
        [("ink", "canvas"), ("muted", "canvas"), ("control", "canvas"), ("line", "canvas"), ("accent", "canvas")]
    {
        let (in_light, in_dark) = (contrast(light[text], light[ground]), contrast(dark[text], dark[ground]));
        let share = in_light.min(in_dark) / in_light.max(in_dark);
        assert!(
            share > 2.0 / 3.0,
            "{text} on {ground}: {in_light:.2} in the light theme, {in_dark:.2} in the dark one"
        );
    }
}
