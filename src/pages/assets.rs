//! Style, script and icon. Their names change with their content, so browsers may keep them.

use sha2::{Digest as _, Sha256};

use crate::report::html::STYLE as REPORT_STYLE;

/// A file that pages load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asset {
    name: &'static str,
    extension: &'static str,
    /// Its media type.
    pub(crate) media: &'static str,
    parts: [&'static str; 2],
}

/// Style of the report and of the pages.
pub(super) const STYLE: Asset = Asset {
    name: "pages",
    extension: "css",
    media: "text/css; charset=utf-8",
    parts: [REPORT_STYLE, include_str!("assets/pages.css")],
};
/// What keeps a page up to date.
pub(super) const SCRIPT: Asset = Asset {
    name: "live",
    extension: "js",
    media: "text/javascript; charset=utf-8",
    parts: [include_str!("assets/live.js"), ""],
};
/// The icon of the tab.
pub(super) const ICON: Asset = Asset {
    name: "icon",
    extension: "svg",
    media: "image/svg+xml",
    parts: [include_str!("assets/icon.svg"), ""],
};

/// All of them.
pub(crate) const ASSETS: [Asset; 3] = [STYLE, SCRIPT, ICON];

impl Asset {
    /// Its content.
    pub(crate) fn content(&self) -> String {
        self.parts.concat()
    }

    /// Its name in its folder.
    pub(crate) fn file_name(&self) -> String {
        let mut hash = Sha256::new();
        for part in self.parts {
            hash.update(part);
        }
        let digest = hash.finalize();
        let digest = u64::from_be_bytes(digest[..8].try_into().unwrap_or_default());
        format!("{}-{digest:016x}.{}", self.name, self.extension)
    }

    /// Its path, without the base.
    pub(super) fn path(&self) -> String {
        format!("/assets/{}", self.file_name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn script_is_small_and_names_depend_on_the_content() {
        assert!(SCRIPT.content().len() <= 20 * 1024);
        let names: Vec<String> = ASSETS.iter().map(Asset::file_name).collect();
        assert!(names[0].starts_with("pages-"), "{names:?}");
        assert_ne!(names[0][6..], names[1][5..]);
    }
}
