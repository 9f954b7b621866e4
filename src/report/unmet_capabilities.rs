//! Required capabilities that no worker offers. The text is raw: surfaces clean it.

use std::{collections::BTreeSet, fmt};

use crate::model::{Capabilities, Capability, LabelCase};

/// Most offers that a sentence names.
const MOST_OFFERS: usize = 8;
/// Similarity above which a value may be a misspelling of another.
const ALIKE: f64 = 0.8;

/// Required capabilities that no worker has all of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnmetCapabilities {
    pub required: Capabilities,
    /// The required capabilities that no worker offers; all of them if no single worker offers the combination.
    pub missing: Capabilities,
    /// The different offers of the workers.
    pub offers: Vec<Capabilities>,
    /// A required capability, and an offered one that may be a misspelling of it.
    pub near: Option<(Capability, Capability)>,
}

impl UnmetCapabilities {
    /// `None` if one offer covers `required`.
    pub fn of<'a>(
        required: &Capabilities,
        offers: impl IntoIterator<Item = &'a Capabilities>,
        case: LabelCase,
    ) -> Option<Self> {
        let offers: BTreeSet<&Capabilities> = offers.into_iter().collect();
        if offers.iter().any(|offer| offer.covers(required, case)) {
            return None;
        }
        let all: Capabilities = offers
            .iter()
            .flat_map(|offer| offer.iter().cloned())
            .collect();
        let missing = Some(all.missing(required, case)).filter(|missing| !missing.is_empty());
        let missing = missing.unwrap_or_else(|| required.clone());
        let near = missing
            .iter()
            .find_map(|wanted| Some((wanted.clone(), near(wanted, &all)?)));
        Some(Self {
            required: required.clone(),
            missing,
            offers: offers.into_iter().cloned().collect(),
            near,
        })
    }

    /// Describes live workers: `no live worker offers it (live workers offer OS=Linux)`.
    pub fn live(&self) -> String {
        let (it, offers) = (self.it(), self.offers());
        let offered = match self.offers.as_slice() {
            [] => format!("no worker is there that offers {it}"),
            _ => format!("no live worker offers {it} (live workers offer {offers})"),
        };
        format!("{offered}{}", self.meant())
    }

    /// The missing capabilities, or `it` if all that are required are missing.
    fn it(&self) -> String {
        if self.missing == self.required && self.required.len() == 1 {
            "it".to_owned()
        } else if self.missing == self.required {
            "all of it".to_owned()
        } else {
            self.missing.to_string()
        }
    }

    fn offers(&self) -> String {
        let mut names: Vec<String> = self
            .offers
            .iter()
            .take(MOST_OFFERS)
            .map(|offer| {
                if offer.is_empty() {
                    "nothing".to_owned()
                } else {
                    offer.to_string()
                }
            })
            .collect();
        if self.offers.len() > MOST_OFFERS {
            names.push(format!("and {} more", self.offers.len() - MOST_OFFERS));
        }
        names.join("; ")
    }

    /// A guess at a misspelling, such as `; is OS=Windos meant for OS=Windows?`; often empty.
    pub fn meant(&self) -> String {
        match &self.near {
            None => String::new(),
            Some((wanted, offered))
                if wanted.to_string().to_lowercase() == offered.to_string().to_lowercase() =>
            {
                format!(
                    "; {offered} is another spelling than {wanted}, and this service tells them apart"
                )
            }
            Some((wanted, offered)) => format!("; is {offered} meant for {wanted}?"),
        }
    }
}

impl fmt::Display for UnmetCapabilities {
    /// `needs OS=macOS; no worker offered it (workers offered OS=Linux; OS=Windows)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "needs {}; no worker ", self.required)?;
        if self.offers.is_empty() {
            f.write_str("was there")
        } else {
            write!(
                f,
                "offered {} (workers offered {})",
                self.it(),
                self.offers()
            )?;
            f.write_str(&self.meant())
        }
    }
}

/// The offered capability that is most similar to the wanted one.
fn near(wanted: &Capability, offered: &Capabilities) -> Option<Capability> {
    let alike = |a: &str, b: &str| strsim::jaro_winkler(&a.to_lowercase(), &b.to_lowercase());
    offered
        .iter()
        .map(|it| {
            let (key, value) = (alike(&it.key, &wanted.key), alike(&it.value, &wanted.value));
            (key.min(value), it)
        })
        .filter(|(likeness, it)| *likeness > ALIKE && *it != wanted)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, it)| it.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> Capabilities {
        let parts = text.split(", ").filter(|part| !part.is_empty());
        parts
            .map(|part| part.parse::<Capability>().unwrap())
            .collect()
    }

    #[test]
    fn names_what_nobody_offers_and_what_may_be_meant() {
        let table: [(&str, &[&str], &str); 6] = [
            (
                "OS=macOS",
                &["OS=Linux", "OS=Windows", "OS=Linux"],
                "needs OS=macOS; no worker offered it (workers offered OS=Linux; OS=Windows)",
            ),
            ("OS=macOS", &[], "needs OS=macOS; no worker was there"),
            (
                "OS=macOS, browser=safari",
                &["OS=macOS", ""],
                "needs OS=macOS, browser=safari; no worker offered browser=safari (workers offered nothing; OS=macOS)",
            ),
            (
                "OS=Linux, browser=safari",
                &["OS=Linux", "browser=safari"],
                "needs OS=Linux, browser=safari; no worker offered all of it (workers offered OS=Linux; browser=safari)",
            ),
            (
                "OS=Windows",
                &["OS=Windos"],
                "needs OS=Windows; no worker offered it (workers offered OS=Windos); is OS=Windos meant for OS=Windows?",
            ),
            (
                "OS=macOS",
                &["OS=macos"],
                "needs OS=macOS; no worker offered it (workers offered OS=macos); OS=macos is another spelling than \
                 OS=macOS, and this service tells them apart",
            ),
        ];
        for (required, offers, said) in table {
            let offers: Vec<Capabilities> = offers.iter().map(|text| set(text)).collect();
            let unmet = UnmetCapabilities::of(&set(required), &offers, LabelCase::Strict).unwrap();
            assert_eq!(unmet.to_string(), said);
        }
        let offers = [set("os=MACOS")];
        let fits = UnmetCapabilities::of(&set("OS=macOS"), &offers, LabelCase::Folded);
        assert_eq!(fits, None);
    }

    #[test]
    fn long_lists_are_cut() {
        let offers: Vec<Capabilities> = (0..20).map(|n| set(&format!("n={n}"))).collect();
        let said = UnmetCapabilities::of(&set("x=y"), &offers, LabelCase::Folded).unwrap();
        assert!(said.live().contains("and 12 more"), "{}", said.live());
    }
}
