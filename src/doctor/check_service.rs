//! Checks address, credentials, connection, encryption, and who answered.

use super::{
    finding::{Finding, FindingSeverity, not_checked, of_failure, ok, problem, warning},
    observe::{
        Observations,
        service_connection::{Connection, ServiceSetup, ServiceUrl},
    },
};
use crate::{
    client::{ClientError, ConnectionCheck, ConnectionError, Endpoint, ErrorKind, RedirectTarget},
    credentials::Credentials,
    exit_code::Conclusion,
};

pub(super) fn url(observations: &Observations<'_>) -> Option<Finding> {
    Some(match &observations.request.service.named {
        Ok(Some(named)) => {
            let urls = named.value.iter().map(|url| url.endpoint.to_string());
            let urls = urls.collect::<Vec<_>>().join(", ");
            ok(format!("{urls} (from {})", named.origin))
        }
        Ok(None) => not_checked(
            "no service is named; `testplan run` would serve the templates of testplan.yml itself",
        )
        .cured("give --url or set TESTCENTER_URL to check a service"),
        Err(failure) => of_failure(failure, "correct the URL"),
    })
}

pub(super) fn credentials(observations: &Observations<'_>) -> Option<Finding> {
    let setup = &observations.request.service;
    setup.urls().first()?;
    let found = match &setup.credentials {
        Ok(Some(found)) => found,
        Ok(None) => return Some(ok("none are set")),
        Err(failure) => return Some(of_failure(failure, "correct them")),
    };
    let origin = &found.origin;
    let text = match &found.credentials {
        Credentials::Token(_) => format!("a token from {origin}"),
        Credentials::Password { user, .. } => format!("the password of {user} from {origin}"),
    };
    let Some(warned) = &found.warning else {
        return Some(ok(text));
    };
    // What to do stands after the colon.
    Some(match warned.rsplit_once(": ") {
        Some((what, cure)) => warning(format!("{text}: {what}"), cure),
        None => warning(text, warned.as_str()),
    })
}

/// Judges each URL, if requests can be sent.
fn each_url(
    observations: &Observations<'_>,
    judge: impl Fn(&ServiceUrl, &Connection) -> Finding,
) -> Option<Finding> {
    let setup = &observations.request.service;
    setup.transport.as_ref().ok()?;
    let judged = setup.urls().iter().zip(&observations.connections);
    let judged = judged.map(|(url, connection)| (&url.endpoint, judge(url, connection)));
    combined(judged.collect())
}

/// One finding of those of all URLs. Calls go on with another URL, so what is in the way of only some of them is a warning.
fn combined(mut findings: Vec<(&Endpoint, Finding)>) -> Option<Finding> {
    if findings.len() < 2 {
        return findings.pop().map(|(_, finding)| finding);
    }
    let texts = findings.iter();
    let texts = texts.map(|(endpoint, finding)| format!("{endpoint}: {}", finding.text));
    let text = texts.collect::<Vec<_>>().join("; ");
    let some_work = findings
        .iter()
        .any(|(_, it)| matches!(it.severity, FindingSeverity::Ok | FindingSeverity::Warning));
    // Without a connection there is nothing to check; why there is none is another finding.
    findings.sort_by_key(|(_, it)| match it.severity {
        FindingSeverity::Problem(_) => 0,
        FindingSeverity::Warning => 1,
        FindingSeverity::NotChecked if some_work => 3,
        FindingSeverity::NotChecked | FindingSeverity::Ok => 2,
    });
    let (_, worst) = findings.swap_remove(0);
    let severity = match worst.severity {
        FindingSeverity::Problem(Conclusion::Infrastructure) if some_work => {
            FindingSeverity::Warning
        }
        severity => severity,
    };
    Some(Finding {
        severity,
        text,
        cure: worst.cure,
    })
}

pub(super) fn connection(observations: &Observations<'_>) -> Option<Finding> {
    each_url(observations, |url, connection| {
        match (&connection.reached, &url.proxy) {
            (None, Some(proxy)) => not_checked(format!(
                "the proxy {proxy} makes it, because of HTTP_PROXY, HTTPS_PROXY or ALL_PROXY"
            )),
            (None, None) => not_checked("it was not tried"),
            (Some(Ok(reached)), _) => {
                let took = reached.took.as_millis();
                ok(format!("connected to {} in {took} ms", reached.address))
            }
            (Some(Err(error)), _) => {
                let (text, cure) = no_connection(error, &url.endpoint.authority());
                problem(text, cure)
            }
        }
    })
}

pub(super) fn tls(observations: &Observations<'_>) -> Option<Finding> {
    let setup = &observations.request.service;
    setup.urls().first()?;
    if let Err(failure) = &setup.transport {
        let cure = "name a file with certificates in PEM, or omit --ca-cert";
        return Some(of_failure(failure, cure));
    }
    each_url(observations, |url, connection| {
        if url.endpoint.is_tls() {
            trusted(setup, &url.endpoint, connection)
        } else {
            plain_http(setup, &url.endpoint)
        }
    })
}

fn trusted(setup: &ServiceSetup, endpoint: &Endpoint, connection: &Connection) -> Finding {
    match &connection.answer {
        None => not_checked("there is no connection"),
        Some(Ok(_)) => ok(match &setup.ca_cert {
            Some(file) => format!(
                "the certificate is trusted, because of {} or the system",
                file.display()
            ),
            None => "the certificate is trusted by the system".to_owned(),
        }),
        Some(Err(error @ (ConnectionError::Certificate(_) | ConnectionError::NotTls))) => {
            let (text, cure) = no_connection(error, &endpoint.authority());
            problem(text, cure)
        }
        Some(Err(_)) => not_checked("no answer"),
    }
}

fn plain_http(setup: &ServiceSetup, endpoint: &Endpoint) -> Finding {
    if endpoint.is_loopback() {
        return ok("plain http within this machine");
    }
    let plain = "plain http to another machine";
    let cure = "use https:// as soon as the service has it";
    match (&setup.credentials, setup.allow_http) {
        (Ok(Some(_)), false) => problem(
            format!("{plain}: the credentials would travel unencrypted, so they are not sent"),
            "use https://, or pass --allow-http if the network between is trusted",
        )
        .ending(Conclusion::Usage),
        (Ok(Some(_)), true) => warning(
            format!("{plain}: the credentials travel unencrypted, because of --allow-http"),
            cure,
        ),
        (Ok(None) | Err(_), _) => warning(
            format!("{plain}: others on the network can read and change the results"),
            cure,
        ),
    }
}

pub(super) fn answer(observations: &Observations<'_>) -> Option<Finding> {
    each_url(observations, |url, connection| match &connection.answer {
        None => not_checked("there is no connection"),
        Some(Ok(answer)) => who_answered(answer),
        Some(Err(error)) => no_answer(error, url),
    })
}

fn who_answered(answer: &ConnectionCheck) -> Finding {
    let took = answer.took.as_millis();
    ok(match &answer.redirect {
        // Its first page leads to a login, too.
        _ if answer.is_testplan => format!("testplan's own service in {took} ms"),
        Some(RedirectTarget::Activation) => {
            return problem(
                "Test Center has no licence or first user yet: it redirects to its activation page",
                "open Test Center in a browser, enter the licence and create the first user",
            );
        }
        Some(RedirectTarget::Login) => {
            format!("Test Center's log-in page in {took} ms, as expected")
        }
        Some(RedirectTarget::Elsewhere(url) | RedirectTarget::OtherHost(url)) => {
            format!("status {} in {took} ms, to {url}", answer.status)
        }
        None => format!("status {} in {took} ms", answer.status),
    })
}

fn no_answer(error: &ConnectionError, url: &ServiceUrl) -> Finding {
    if let ConnectionError::Certificate(_) | ConnectionError::NotTls = error {
        return not_checked("there is no trusted encryption");
    }
    if let Some(proxy) = &url.proxy {
        let (text, _) = no_connection(error, proxy);
        let cure = "correct the proxy's variable, or add the host of the service to NO_PROXY";
        return problem(text, cure);
    }
    let (text, cure) = no_connection(error, &url.endpoint.authority());
    if *error == ConnectionError::NoAnswer && url.endpoint.is_tls() {
        let cure = "check that this port speaks https; otherwise read the log of the service";
        return problem(text, cure);
    }
    problem(text, cure)
}

/// The problem, and one thing to do.
fn no_connection(error: &ConnectionError, host: &str) -> (String, &'static str) {
    match error {
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
            "check that the machine is up and no firewall drops it; set HTTPS_PROXY if a proxy is needed",
        ),
        ConnectionError::NoAnswer => (
            format!("{host} accepts the request and does not answer in time"),
            "read the log of the service: it hangs or is overloaded",
        ),
        ConnectionError::Certificate(certificate) => (
            format!("the certificate of {host} {}", certificate.description()),
            certificate.help(),
        ),
        ConnectionError::NotTls => (
            format!("{host} does not speak TLS"),
            "use the https port, or http:// if the service has no TLS",
        ),
        ConnectionError::Other(why) => (
            format!("nothing that speaks HTTP answers at {host}: {why}"),
            "check that host and port are those of Test Center or of `testplan serve`",
        ),
    }
}

/// Checks whether the service accepts the credentials.
pub(super) fn access(observations: &Observations<'_>) -> Option<Finding> {
    let setup = &observations.request.service;
    let accepted = match &setup.credentials {
        Ok(Some(found)) => match &found.credentials {
            Credentials::Token(_) => "the token is accepted".to_owned(),
            Credentials::Password { user, .. } => format!("user {user} is accepted"),
        },
        Ok(None) | Err(_) => "the service asks for no credentials".to_owned(),
    };
    let judged = setup.urls().iter().enumerate().map(|(at, url)| {
        let access = observations.answers.accesses.get(at);
        let finding = match access.and_then(Option::as_ref) {
            None => not_checked("the service could not be asked"),
            Some(Ok(())) => ok(accepted.clone()),
            Some(Err(error)) => refused_access(&accepted, error),
        };
        (&url.endpoint, finding)
    });
    combined(judged.collect())
}

fn refused_access(accepted: &str, error: &ClientError) -> Finding {
    match &error.kind {
        // The service accepted the credentials, but has no such list.
        ErrorKind::Refused {
            status: 404 | 405, ..
        } => warning(
            format!("{accepted}, but {error}"),
            "update the service: without this list, Squish servers cannot be checked",
        ),
        _ => problem(error.to_string(), error.help()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding_of(findings: Vec<Finding>) -> Finding {
        let names = ["http://a", "http://b", "http://c"];
        let endpoints = names.map(|url| Endpoint::parse(url, true).unwrap());
        combined(endpoints.iter().zip(findings).collect()).unwrap()
    }

    #[test]
    fn finding_of_one_url_stands_as_it_is() {
        let one = problem("refused", "start it");
        assert_eq!(finding_of(vec![one.clone()]), one);
    }

    #[test]
    fn trouble_with_some_urls_is_a_warning_and_with_all_a_problem() {
        let (fine, bad) = (ok("connected"), problem("refused", "start it"));
        let some = finding_of(vec![fine.clone(), bad.clone()]);
        assert_eq!(
            some,
            warning("http://a: connected; http://b: refused", "start it")
        );
        let all = finding_of(vec![bad.clone(), bad.clone()]);
        assert_eq!(
            all,
            problem("http://a: refused; http://b: refused", "start it")
        );
        let rest = finding_of(vec![fine.clone(), not_checked("no connection")]);
        assert_eq!(rest.severity, FindingSeverity::Ok);
        let none = finding_of(vec![not_checked("no connection"), not_checked("none")]);
        assert_eq!(none.severity, FindingSeverity::NotChecked);
    }

    #[test]
    fn credentials_that_would_travel_unencrypted_stay_a_problem() {
        let unsafe_one = problem("plain http", "use https").ending(Conclusion::Usage);
        let finding = finding_of(vec![ok("trusted"), unsafe_one.clone()]);
        assert_eq!(finding.severity, unsafe_one.severity);
    }
}
