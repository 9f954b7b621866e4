//! Connects octocrab through reqwest, which uses the proxies and certificates of this machine.
//!
//! The layers of octocrab are set here: its default set repeats requests, follows redirects and sends its own user agent.

use std::sync::Arc;

use http::{HeaderValue, header};
use octocrab::{
    AuthState, Octocrab, OctocrabBuilder,
    service::middleware::{
        auth_header::AuthHeaderLayer, extra_headers::ExtraHeadersLayer,
        reqwest_connector::ReqwestConnector,
    },
};
use reqwest::{redirect, retry};
use secrecy::{ExposeSecret as _, SecretString};

use super::{
    address::Address,
    network_failure::innermost,
    publish_error::{NetworkFailure, PublishError},
    retries::GitHubPatience,
};

/// GitHub refuses requests without a user agent.
const USER_AGENT: &str = concat!("testplan/", env!("CARGO_PKG_VERSION"));

pub(super) fn connect(
    address: &Address,
    token: &SecretString,
    patience: GitHubPatience,
) -> Result<Octocrab, PublishError> {
    let token = token.expose_secret();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(PublishError::BadToken);
    }
    let mut authorization =
        HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| PublishError::BadToken)?;
    authorization.set_sensitive(true);
    let headers = vec![
        (header::USER_AGENT, HeaderValue::from_static(USER_AGENT)),
        (
            header::ACCEPT,
            HeaderValue::from_static("application/vnd.github+json"),
        ),
    ];
    let api = address.api();
    let Ok(octocrab) = OctocrabBuilder::new_empty()
        .with_service(ReqwestConnector::new(client(address, patience)?))
        .with_layer(&ExtraHeadersLayer::new(Arc::new(headers)))
        .with_layer(&AuthHeaderLayer::new(
            Some(authorization),
            api.clone(),
            api.clone(),
        ))
        .with_auth(AuthState::None)
        .build();
    Ok(octocrab)
}

/// Follows no redirect, which could send the token to another host, and repeats nothing.
fn client(address: &Address, patience: GitHubPatience) -> Result<reqwest::Client, PublishError> {
    let mut builder = reqwest::Client::builder()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        // Half, to distinguish a host that is down from one that does not answer.
        .connect_timeout(patience.request / 2)
        .timeout(patience.total);
    if address.is_loopback() {
        builder = builder.no_proxy();
    }
    if address.is_plain() {
        // Without TLS; reading the certificates of the system takes longer than a call.
        builder = builder.tls_certs_only([]);
    }
    builder.build().map_err(|error| PublishError::Unreachable {
        cause: innermost(&error),
        failure: NetworkFailure::Setup,
    })
}
