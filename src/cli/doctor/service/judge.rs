//! What the steps of the way to the service mean.

use super::{Access, Setup, Way};
use crate::{
    cli::doctor::finding::{Finding, Group},
    client::{
        CertificateProblem, ConnectionCheck, ConnectionError, Endpoint, ErrorKind, Reached,
        RedirectTarget,
    },
    config::{credential_sources::FoundCredentials, precedence::Chosen},
    credentials::Credentials,
    exit_code::Conclusion,
};

const GROUP: Group = Group::Service;

/// Address, credentials, connection, encryption, and who answered.
pub fn judge(setup: &Setup, way: &Way) -> Vec<Finding> {
    let Some(named) = named(setup) else {
        return vec![url(setup)];
    };
    let mut findings = vec![url(setup), credentials(setup)];
    if let Err(failure) = &setup.transport {
        let cure = "name a file with certificates in PEM, or leave --ca-cert out";
        findings.push(Finding::of_failure(GROUP, "tls", failure, cure));
        return findings;
    }
    let place = Place { named, setup };
    findings.push(place.connection(way.reached.as_ref()));
    findings.push(place.tls(way.knock.as_ref()));
    findings.push(place.answer(way.knock.as_ref()));
    findings
}

fn named(setup: &Setup) -> Option<&Chosen<Endpoint>> {
    setup.named.as_ref().ok()?.as_ref()
}

fn url(setup: &Setup) -> Finding {
    match &setup.named {
        Ok(Some(named)) => Finding::ok(
            GROUP,
            "url",
            format!("{} (from {})", named.value, named.origin),
        ),
        Ok(None) => Finding::not_checked(
            GROUP,
            "url",
            "no service is named; `testplan run` then serves the templates of testplan.yml itself",
        )
        .cured("give --url or set TESTCENTER_URL to check a service"),
        Err(failure) => Finding::of_failure(GROUP, "url", failure, "correct the URL"),
    }
}

fn credentials(setup: &Setup) -> Finding {
    const ID: &str = "credentials";
    let found = match &setup.credentials {
        Ok(found) => found,
        Err(failure) => return Finding::of_failure(GROUP, ID, failure, "correct them"),
    };
    let Some(FoundCredentials {
        credentials,
        origin,
        warning,
    }) = found
    else {
        return Finding::ok(GROUP, ID, "none are set");
    };
    let what = match credentials {
        Credentials::Token(_) => "a token".to_owned(),
        Credentials::Password { user, .. } => format!("the password of {user}"),
    };
    let text = format!("{what} from {origin}");
    match warning {
        None => Finding::ok(GROUP, ID, text),
        // Says what to do behind its colon.
        Some(warning) => match warning.rsplit_once(": ") {
            Some((what, cure)) => Finding::warning(GROUP, ID, format!("{text}: {what}"), cure),
            None => Finding::warning(GROUP, ID, text, warning.as_str()),
        },
    }
}

/// Where the way leads.
#[derive(Clone, Copy)]
struct Place<'a> {
    named: &'a Chosen<Endpoint>,
    setup: &'a Setup,
}

impl Place<'_> {
    fn connection(self, reached: Option<&Result<Reached, ConnectionError>>) -> Finding {
        const ID: &str = "connection";
        let endpoint = &self.named.value;
        match (reached, &self.setup.proxy) {
            (None, Some(proxy)) => Finding::not_checked(
                GROUP,
                ID,
                format!("the proxy {proxy} makes it, by HTTP_PROXY, HTTPS_PROXY or ALL_PROXY"),
            ),
            (None, None) => Finding::not_checked(GROUP, ID, "it was not tried"),
            (Some(Ok(reached)), _) => Finding::ok(
                GROUP,
                ID,
                format!(
                    "{} is connected in {} ms",
                    reached.address,
                    reached.took.as_millis()
                ),
            ),
            (Some(Err(trouble)), _) => {
                let (text, cure) = no_connection(trouble, &host(endpoint));
                Finding::problem(GROUP, ID, text, cure)
            }
        }
    }

    fn tls(self, knock: Option<&Result<ConnectionCheck, ConnectionError>>) -> Finding {
        const ID: &str = "tls";
        let endpoint = &self.named.value;
        if !endpoint.is_tls() {
            return self.plain();
        }
        match knock {
            None => Finding::not_checked(GROUP, ID, "there is no connection"),
            Some(Ok(_)) => Finding::ok(GROUP, ID, self.trusted()),
            Some(Err(ConnectionError::Certificate(distrust))) => {
                let (what, cure) = distrusted(distrust);
                let text = format!("the certificate of {} {what}", host(endpoint));
                Finding::problem(GROUP, ID, text, cure)
            }
            Some(Err(ConnectionError::NotTls)) => Finding::problem(
                GROUP,
                ID,
                format!("{} does not speak TLS", host(endpoint)),
                "use the port that speaks https, or http:// where it is meant to be plain",
            ),
            Some(Err(_)) => Finding::not_checked(GROUP, ID, "nobody answered"),
        }
    }

    fn trusted(self) -> String {
        match &self.setup.ca_cert {
            Some(file) => format!(
                "the certificate is trusted, by {} or the system",
                file.display()
            ),
            None => "the certificate is trusted by the system".to_owned(),
        }
    }

    fn plain(self) -> Finding {
        const ID: &str = "tls";
        let endpoint = &self.named.value;
        let has_credentials = matches!(self.setup.credentials, Ok(Some(_)));
        if endpoint.is_loopback() {
            return Finding::ok(GROUP, ID, "plain http, which stays on this machine");
        }
        let plain = "plain http to another machine";
        match (has_credentials, self.setup.allow_http) {
            (true, false) => Finding::problem(
                GROUP,
                ID,
                format!("{plain}: the credentials would travel unencrypted, so they are not sent"),
                "use https://, or pass --allow-http if the network between is trusted",
            )
            .ending(Conclusion::Usage),
            (true, true) => Finding::warning(
                GROUP,
                ID,
                format!("{plain}: the credentials travel unencrypted, by --allow-http"),
                "use https:// as soon as the service has it",
            ),
            (false, _) => Finding::warning(
                GROUP,
                ID,
                format!("{plain}: whoever is between can read and change the results"),
                "use https:// as soon as the service has it",
            ),
        }
    }

    fn answer(self, knock: Option<&Result<ConnectionCheck, ConnectionError>>) -> Finding {
        const ID: &str = "answer";
        let knock = match knock {
            None => return Finding::not_checked(GROUP, ID, "there is no connection"),
            Some(Ok(knock)) => knock,
            Some(Err(ConnectionError::Certificate(_) | ConnectionError::NotTls)) => {
                return Finding::not_checked(
                    GROUP,
                    ID,
                    "there is no encryption that can be trusted",
                );
            }
            Some(Err(trouble)) => {
                let Some(proxy) = &self.setup.proxy else {
                    let (text, cure) = no_connection(trouble, &host(&self.named.value));
                    let cure = match trouble {
                        ConnectionError::NoAnswer if self.named.value.is_tls() => {
                            "check that this port speaks https; otherwise look into the log of the service"
                        }
                        _ => cure,
                    };
                    return Finding::problem(GROUP, ID, text, cure);
                };
                let (text, _) = no_connection(trouble, proxy);
                let cure =
                    "correct the proxy's variable, or add the host of the service to NO_PROXY";
                return Finding::problem(GROUP, ID, text, cure);
            }
        };
        let took = knock.took.as_millis();
        let text = match &knock.redirect {
            Some(RedirectTarget::Activation) => {
                return Finding::problem(
                    GROUP,
                    ID,
                    "Test Center has no licence or first user yet: it sends everybody to its activation page",
                    "open Test Center in a browser, enter the licence and create the first user",
                );
            }
            Some(RedirectTarget::Login) => {
                format!("Test Center's log-in page in {took} ms, as it should")
            }
            _ if knock.is_testplan => format!("testplan's own service in {took} ms"),
            Some(RedirectTarget::Elsewhere(url)) => {
                format!("status {} in {took} ms, to {url}", knock.status)
            }
            None => format!("status {} in {took} ms", knock.status),
        };
        Finding::ok(GROUP, ID, text)
    }
}

fn host(endpoint: &Endpoint) -> String {
    endpoint.authority()
}

/// What is wrong, and one thing to do.
fn no_connection(trouble: &ConnectionError, host: &str) -> (String, &'static str) {
    match trouble {
        ConnectionError::Unresolved(why) => (
            format!("the name of {host} cannot be resolved ({why})"),
            "correct the host, or the name server of this machine",
        ),
        ConnectionError::Refused => (
            format!("nothing listens on {host} (connection refused)"),
            "start the service, or correct host and port",
        ),
        ConnectionError::TimedOut => (
            format!("no connection to {host} in time"),
            "check that the machine is up and no firewall drops it; set HTTPS_PROXY where only a proxy leads out",
        ),
        ConnectionError::NoAnswer => (
            format!("{host} takes the request and does not answer in time"),
            "look into the log of the service: it hangs or is overloaded",
        ),
        ConnectionError::Certificate(distrust) => {
            let (what, cure) = distrusted(distrust);
            (format!("the certificate of {host} {what}"), cure)
        }
        ConnectionError::NotTls => (format!("{host} does not speak TLS"), "use its https port"),
        ConnectionError::Other(why) => (
            format!("nothing that speaks HTTP answers at {host}: {why}"),
            "check that host and port are those of Test Center or of `testplan serve`",
        ),
    }
}

fn distrusted(distrust: &CertificateProblem) -> (String, &'static str) {
    match distrust {
        CertificateProblem::Expired => (
            "has expired, by the clock of this machine".to_owned(),
            "renew it at the service, unless it is this machine's clock that is wrong",
        ),
        CertificateProblem::NotYet => (
            "is not valid yet, by the clock of this machine".to_owned(),
            "set the clock of this machine",
        ),
        CertificateProblem::UnknownAuthority => (
            "is of an authority that is not trusted here".to_owned(),
            "pass the authority's certificate with --ca-cert, if it is your own",
        ),
        CertificateProblem::OtherName => (
            "is for another name".to_owned(),
            "use the name in the certificate, or have this one added to it",
        ),
        CertificateProblem::Other(why) => (
            format!("is not trusted ({why})"),
            "have it made anew, or pass its authority with --ca-cert",
        ),
    }
}

/// Whether the service takes what we present; `None` if it was not asked.
pub fn judge_access(setup: &Setup, access: Option<&Access>) -> Finding {
    const ID: &str = "access";
    let presented = match &setup.credentials {
        Ok(Some(found)) => match &found.credentials {
            Credentials::Token(_) => "the token is accepted".to_owned(),
            Credentials::Password { user, .. } => format!("user {user} is accepted"),
        },
        Ok(None) | Err(_) => "the service asks for no credentials".to_owned(),
    };
    let error = match access {
        None => return Finding::not_checked(GROUP, ID, "the service could not be asked"),
        Some(Ok(_)) => return Finding::ok(GROUP, ID, presented),
        Some(Err(error)) => error,
    };
    match &error.kind {
        // It let us in, and has no such list.
        ErrorKind::Refused {
            status: 404 | 405, ..
        } => Finding::warning(
            GROUP,
            ID,
            format!("{presented}, but {error}"),
            "update the service: without this list, Squish servers cannot be checked",
        ),
        _ => Finding::problem(GROUP, ID, error.to_string(), error.help()),
    }
}
