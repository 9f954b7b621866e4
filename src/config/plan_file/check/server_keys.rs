//! The Squish servers of the file.

use super::{Check, FirstLines};
use crate::{
    config::{
        config_problem::ConfigProblem,
        plan_file::{document::ServerSection, marked::Marked},
    },
    model::{NewSquishServer, Port},
};

impl Check<'_> {
    pub(super) fn servers(&mut self, sections: Vec<Marked<ServerSection>>) -> Vec<NewSquishServer> {
        let mut seen = FirstLines::new();
        let mut servers = Vec::new();
        for (index, section) in sections.into_iter().enumerate() {
            let path = format!("servers[{index}]");
            let place = section.place();
            let section = section.into_inner();
            let host = self.host(&format!("{path}.host"), &section.host);
            let labels = self.labels(
                &format!("{path}.labels"),
                place,
                &section.labels.unwrap_or_default(),
            );
            let port = self.port(&format!("{path}.port"), &section.port);
            let Some(port) = port else { continue };
            let address = format!("{}:{port}", host.to_lowercase());
            let what = || format!("{host}:{port}");
            self.once(&mut seen, address, &path, section.host.place(), what);
            servers.push(NewSquishServer {
                host: Some(host),
                port,
                labels,
                enabled: section.enabled.unwrap_or(true),
            });
        }
        servers
    }

    fn host(&mut self, path: &str, host: &Marked<String>) -> String {
        let text = self.name(path, host);
        if !text.trim().is_empty() && text.contains(|c: char| c.is_whitespace() || c == '/') {
            self.report(host.place(), || {
                ConfigProblem::new(path, "not a host")
                    .expecting("a name or an address alone is expected")
            });
        }
        text
    }

    fn port(&mut self, path: &str, port: &Marked<String>) -> Option<Port> {
        let parsed = port.get().trim().parse();
        if parsed.is_err() {
            self.report(port.place(), || {
                ConfigProblem::new(path, "not a port")
                    .expecting("a number from 1 to 65535 is expected")
            });
        }
        parsed.ok()
    }
}
