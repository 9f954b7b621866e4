//! Checks address, credentials, connection, encryption, and who answered.

use super::{
    finding::{Finding, not_checked, of_failure, ok, problem, warning},
    observe::{Observations, service_connection::ServiceSetup},
};
use crate::{
    client::{ConnectionError, Endpoint, ErrorKind, RedirectTarget},
    credentials::Credentials,
    exit_code::Conclusion,
};

pub(super) fn url(observations: &Observations<'_>) -> Option<Finding> {
    Some(match &observations.request.service.named {
        Ok(Some(named)) => ok(format!("{} (from {})", named.value, named.origin)),
        Ok(None) => not_checked(
            "no service is named; `testplan run` would serve the templates of testplan.yml itself",
        )
        .cured("give --url or set TESTCENTER_URL to check a service"),
        Err(failure) => of_failure(failure, "correct the URL"),
    })
}

pub(super) fn credentials(observations: &Observations<'_>) -> Option<Finding> {
    let setup = &observations.request.service;
    setup.endpoint()?;
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

/// The setup and endpoint, if requests can be sent.
fn path<'a>(observations: &'a Observations<'_>) -> Option<(&'a ServiceSetup, &'a Endpoint)> {
    let setup = &observations.request.service;
    setup.transport.as_ref().ok()?;
    Some((setup, setup.endpoint()?))
}

pub(super) fn connection(observations: &Observations<'_>) -> Option<Finding> {
    let (setup, endpoint) = path(observations)?;
    Some(match (&observations.connection.reached, &setup.proxy) {
        (None, Some(proxy)) => not_checked(format!(
            "the proxy {proxy} makes it, because of HTTP_PROXY, HTTPS_PROXY or ALL_PROXY"
        )),
        (None, None) => not_checked("it was not tried"),
        (Some(Ok(reached)), _) => {
            let took = reached.took.as_millis();
            ok(format!("connected to {} in {took} ms", reached.address))
        }
        (Some(Err(error)), _) => {
            let (text, cure) = no_connection(error, &endpoint.authority());
            problem(text, cure)
        }
    })
}

pub(super) fn tls(observations: &Observations<'_>) -> Option<Finding> {
    let setup = &observations.request.service;
    let endpoint = setup.endpoint()?;
    if let Err(failure) = &setup.transport {
        let cure = "name a file with certificates in PEM, or omit --ca-cert";
        return Some(of_failure(failure, cure));
    }
    if !endpoint.is_tls() {
        return Some(plain_http(setup, endpoint));
    }
    Some(match &observations.connection.answer {
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
    })
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
    let (setup, endpoint) = path(observations)?;
    let answer = match &observations.connection.answer {
        None => return Some(not_checked("there is no connection")),
        Some(Ok(answer)) => answer,
        Some(Err(error)) => return Some(no_answer(error, setup, endpoint)),
    };
    let took = answer.took.as_millis();
    Some(ok(match &answer.redirect {
        Some(RedirectTarget::Activation) => {
            return Some(problem(
                "Test Center has no licence or first user yet: it redirects to its activation page",
                "open Test Center in a browser, enter the licence and create the first user",
            ));
        }
        Some(RedirectTarget::Login) => {
            format!("Test Center's log-in page in {took} ms, as expected")
        }
        _ if answer.is_testplan => format!("testplan's own service in {took} ms"),
        Some(RedirectTarget::Elsewhere(url) | RedirectTarget::OtherHost(url)) => {
            format!("status {} in {took} ms, to {url}", answer.status)
        }
        None => format!("status {} in {took} ms", answer.status),
    }))
}

fn no_answer(error: &ConnectionError, setup: &ServiceSetup, endpoint: &Endpoint) -> Finding {
    if let ConnectionError::Certificate(_) | ConnectionError::NotTls = error {
        return not_checked("there is no trusted encryption");
    }
    if let Some(proxy) = &setup.proxy {
        let (text, _) = no_connection(error, proxy);
        let cure = "correct the proxy's variable, or add the host of the service to NO_PROXY";
        return problem(text, cure);
    }
    let (text, cure) = no_connection(error, &endpoint.authority());
    if *error == ConnectionError::NoAnswer && endpoint.is_tls() {
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
    setup.endpoint()?;
    let accepted = match &setup.credentials {
        Ok(Some(found)) => match &found.credentials {
            Credentials::Token(_) => "the token is accepted".to_owned(),
            Credentials::Password { user, .. } => format!("user {user} is accepted"),
        },
        Ok(None) | Err(_) => "the service asks for no credentials".to_owned(),
    };
    let error = match &observations.answers.servers {
        None => return Some(not_checked("the service could not be asked")),
        Some(Ok(_)) => return Some(ok(accepted)),
        Some(Err(error)) => error,
    };
    Some(match &error.kind {
        // The service accepted the credentials, but has no such list.
        ErrorKind::Refused {
            status: 404 | 405, ..
        } => warning(
            format!("{accepted}, but {error}"),
            "update the service: without this list, Squish servers cannot be checked",
        ),
        _ => problem(error.to_string(), error.help()),
    })
}
