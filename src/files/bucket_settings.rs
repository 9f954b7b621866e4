//! The connection to a bucket, by the variables that AWS' own tools read.

use std::{sync::Arc, time::Duration};

use object_store::{
    BackoffConfig, ClientOptions, RetryConfig,
    aws::{AmazonS3Builder, AmazonS3ConfigKey},
    client::ClientConfigKey,
};

use super::{
    bucket::Bucket,
    bucket_fault::{BucketFault, BucketFaultKind},
    location::BucketUrl,
};

/// What the names of the variables begin with.
const VARIABLES: &str = "AWS_";
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long one request may take: a part of 8 MiB at 140 KiB/s.
const REQUEST: Duration = Duration::from_secs(60);
/// How long after its begin a request is no longer repeated.
const RETRIES: Duration = Duration::from_secs(20);
/// How often a request is repeated: with these pauses it takes a server that is gone about three seconds.
const MAX_RETRIES: usize = 4;
const PAUSES: BackoffConfig = BackoffConfig {
    init_backoff: Duration::from_millis(200),
    max_backoff: Duration::from_secs(2),
    base: 2.,
};

impl Bucket {
    /// The bucket that a URL names, with settings and credentials of these variables. Sends nothing yet.
    pub fn connect<'a>(
        url: &BucketUrl,
        variables: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, BucketFault> {
        let options = ClientOptions::new()
            .with_connect_timeout(CONNECT)
            .with_timeout(REQUEST);
        let mut builder = AmazonS3Builder::new()
            .with_client_options(options)
            .with_retry(RetryConfig {
                backoff: PAUSES,
                max_retries: MAX_RETRIES,
                retry_timeout: RETRIES,
            });
        for (name, value) in variables {
            if let Some(key) = config_key(name) {
                builder = builder.with_config(key, value);
            }
        }
        let place = url.to_string();
        let unusable = |reason: String| BucketFault {
            kind: BucketFaultKind::Settings,
            place: place.clone(),
            reason,
        };
        if let Some(problem) = endpoint_problem(&builder) {
            return Err(unusable(problem));
        }
        let store = builder
            .with_bucket_name(&url.bucket)
            .build()
            .map_err(|error| unusable(error.to_string()))?;
        Self::new(Arc::new(store), &url.prefix, place.clone())
            .map_err(|error| unusable(error.to_string()))
    }
}

/// The setting that a variable has; `None` for other variables, and for those of the bucket, which the URL names.
fn config_key(name: &str) -> Option<AmazonS3ConfigKey> {
    if !name.starts_with(VARIABLES) {
        return None;
    }
    let key = name.to_ascii_lowercase().parse().ok()?;
    (!matches!(key, AmazonS3ConfigKey::Bucket)).then_some(key)
}

/// Why an endpoint cannot be used.
fn endpoint_problem(builder: &AmazonS3Builder) -> Option<String> {
    let value = |key| builder.get_config_value(&key);
    let endpoint =
        value(AmazonS3ConfigKey::S3Endpoint).or_else(|| value(AmazonS3ConfigKey::Endpoint))?;
    let allows_http = value(AmazonS3ConfigKey::Client(ClientConfigKey::AllowHttp));
    let uri = endpoint.parse::<http::Uri>().ok();
    match uri.as_ref().and_then(http::Uri::scheme_str) {
        Some("https") => None,
        Some("http")
            if allows_http.is_some_and(|it| it.eq_ignore_ascii_case("true") || it == "1") =>
        {
            None
        }
        Some("http") => {
            Some("AWS_ENDPOINT_URL is plain http, which needs AWS_ALLOW_HTTP=true".to_owned())
        }
        _ => Some("AWS_ENDPOINT_URL is no URL that begins with https://".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::files::FilesLocation;

    fn connect(variables: &[(&str, &str)]) -> Result<Bucket, BucketFault> {
        crate::client::install_tls_provider();
        let location = FilesLocation::parse(Path::new("s3://uploads/ci")).unwrap();
        let FilesLocation::Bucket(url) = location else {
            panic!("it is a bucket");
        };
        Bucket::connect(&url, variables.iter().copied())
    }

    #[test]
    fn settings_that_cannot_be_used_are_named_without_a_secret() {
        let key = ("AWS_ACCESS_KEY_ID", "key");
        let secret = ("AWS_SECRET_ACCESS_KEY", "canary");
        for (variables, word) in [
            (&[key][..], "SecretAccessKey"),
            (&[secret][..], "AccessKeyId"),
            (
                &[key, secret, ("AWS_ENDPOINT_URL", "http://s3.example")][..],
                "AWS_ALLOW_HTTP",
            ),
            (
                &[key, secret, ("AWS_ENDPOINT_URL_S3", "s3.example:9000")][..],
                "no URL",
            ),
            (
                &[key, secret, ("AWS_UNSIGNED_PAYLOAD", "sometimes")][..],
                "sometimes",
            ),
        ] {
            let fault = connect(variables).unwrap_err();
            assert_eq!(fault.kind, BucketFaultKind::Settings);
            let text = fault.to_string();
            assert!(
                text.contains(word) && text.contains("s3://uploads/ci"),
                "{text}"
            );
            assert!(!text.contains("canary"), "{text}");
        }
    }

    #[test]
    fn variables_of_aws_make_a_connection_and_others_do_not_count() {
        let bucket = connect(&[
            ("AWS_ACCESS_KEY_ID", "key"),
            ("AWS_SECRET_ACCESS_KEY", "canary"),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_BUCKET", "another"),
            ("AWS_PROFILE", "x"),
            ("PATH", "/bin"),
        ])
        .unwrap();
        let shown = format!("{bucket:?}");
        assert!(shown.contains("s3://uploads/ci"), "{shown}");
        assert!(
            !shown.contains("canary") && !shown.contains("another"),
            "{shown}"
        );
        connect(&[]).expect("the credentials of a machine are asked for later");
    }
}
