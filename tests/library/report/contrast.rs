//! Colours of the page's style: every text is readable on every background that it may have, in light and dark.

use std::collections::BTreeMap;

use testplan::report::{
    PlanReport,
    html::{HtmlOptions, render},
};

use super::html::read;

/// The least contrast of WCAG 2 AA for small text.
const LEAST: f64 = 4.5;

/// The variables of the style in light, and in dark.
fn variables() -> [BTreeMap<String, String>; 2] {
    let page = read(&render(&PlanReport::default(), &HtmlOptions::default()));
    let mut light = BTreeMap::new();
    let mut dark = BTreeMap::new();
    let mut medium = "";
    for line in page.code["style"].lines() {
        let line = line.trim();
        if line.starts_with("@media") {
            medium = line;
        }
        if line.starts_with("--") {
            let target = if medium.contains("dark") {
                &mut dark
            } else {
                &mut light
            };
            for declaration in line.split(';').filter(|it| !it.trim().is_empty()) {
                let (name, value) = declaration.split_once(':').unwrap();
                target.insert(name.trim().to_owned(), value.trim().to_owned());
            }
        }
        if line == "}" && !medium.is_empty() && !dark.is_empty() {
            medium = "";
        }
    }
    assert_eq!(
        light.keys().collect::<Vec<_>>(),
        dark.keys().collect::<Vec<_>>()
    );
    [light, dark]
}

/// Relative luminance of `#rrggbb`.
fn luminance(colour: &str) -> f64 {
    let part = |at: usize| {
        let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
        if value <= 0.040_45 {
            value / 12.92
        } else {
            ((value + 0.055) / 1.055).powf(2.4)
        }
    };
    0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
}

fn contrast(one: &str, other: &str) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn every_colour_of_an_output_is_readable_on_every_background() {
    for colours in variables() {
        let named = |prefix: &'static str| (0..16).map(move |n| format!("--{prefix}-{n}"));
        let texts: Vec<String> = named("fg")
            .chain(["--ink".to_owned(), "--quiet".to_owned()])
            .collect();
        let backgrounds: Vec<String> = named("bg")
            .chain(["--paper", "--soft", "--hit"].map(str::to_owned))
            .collect();
        for text in &texts {
            for background in &backgrounds {
                let found = contrast(&colours[text], &colours[background]);
                assert!(found >= LEAST, "{text} on {background}: {found:.2}");
            }
        }
    }
}

#[test]
fn contrast_is_computed_as_the_recommendation_defines_it() {
    assert!((contrast("#000000", "#ffffff") - 21.0).abs() < 0.001);
    assert!((contrast("#777777", "#ffffff") - 4.478).abs() < 0.001);
}
