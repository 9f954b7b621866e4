//! What went wrong with a call, sorted by who must act.

mod error_text;

use super::{authorization::CredentialKind, transport::Sent};
use crate::{exit_code::Conclusion, model::PlanId};

/// A call that failed. Display is one line without secrets; [`Self::help`] is one thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientError {
    /// The call, such as `POST /execution/v1/heartbeat/3339`.
    pub call: String,
    /// How many requests were sent for it.
    pub tries: u32,
    /// What went wrong, the last time.
    pub kind: ErrorKind,
    /// Whether the service may have carried out the request, in this try or an earlier one.
    pub may_have_happened: bool,
    /// Whether the call presented a lease.
    pub(super) holds_lease: bool,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// No answer came.
    Unreachable {
        /// What failed and why likely.
        message: String,
        /// Whether the service may have seen the request.
        sent: Sent,
    },
    /// The certificate of the service, or of a proxy before it, is not trusted. Nothing was sent.
    Untrusted {
        /// What is wrong with it.
        message: String,
        /// One thing to do.
        help: &'static str,
    },
    /// The service redirected the request. The client never follows: Test Center refuses requests this way.
    Redirected {
        /// HTTP status.
        status: u16,
        /// Where to.
        target: RedirectTarget,
    },
    /// 401 or 403.
    Unauthorized {
        /// HTTP status.
        status: u16,
        /// The service's words, possibly empty.
        message: String,
        /// What we had presented.
        presented: CredentialKind,
    },
    /// The service refused the request: any other 4xx with an error of the API.
    Refused {
        /// HTTP status.
        status: u16,
        /// The API's error code, where there is one.
        code: Option<i64>,
        /// The service's words.
        message: String,
    },
    /// 5xx: the service or a proxy before it failed. The outcome is unknown.
    Failed {
        /// HTTP status.
        status: u16,
        /// The service's words.
        message: String,
    },
    /// `testplan serve` is stopping and did nothing of what was asked: another process of it, or the next one, will.
    Stopping {
        /// HTTP status.
        status: u16,
        /// The service's words.
        message: String,
    },
    /// An answer that is not the API's. The outcome is unknown.
    NotUnderstood {
        /// HTTP status.
        status: u16,
        /// What was expected.
        expected: String,
        /// How the answer begins: at most 200 characters, control characters escaped.
        snippet: String,
        /// Whether it was JSON at all; a page of a proxy may go away, JSON of another shape will not.
        json: bool,
    },
    /// A look-up found nothing.
    NotFound {
        /// What was looked for, and the service's words.
        message: String,
    },
    /// This service has no such call.
    Unsupported {
        /// HTTP status.
        status: u16,
    },
    /// It is unknown whether the call took effect.
    Unclear {
        /// What is unclear.
        what: String,
        /// What went wrong.
        because: Box<Self>,
    },
    /// A plan was started, but not with the tests that were sent: the service is too old to take them.
    TestsIgnored {
        /// The plan.
        plan: PlanId,
    },
    /// A file that was to be uploaded cannot be read, or changed while it was.
    Unreadable {
        /// Which, and why.
        reason: String,
    },
    /// Nothing was sent, because it must not or cannot be.
    NotSendable {
        /// Why.
        reason: String,
    },
}

/// What a redirect means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedirectTarget {
    /// `/login…`: the token was rejected or is missing.
    Login,
    /// `/activation…`: Test Center has no licence or first user yet.
    Activation,
    /// The API is elsewhere on the same host: the URL should be this one.
    Elsewhere(String),
    /// An address on another host, or without TLS where there was TLS. No advice names it: credentials may not be meant for it.
    OtherHost(String),
}

impl ClientError {
    /// Whether the service refused the lease of this call as no longer held: any 4xx on heartbeat, release or finish but 401,
    /// 403, 408, 425 and 429. Final: drop the execution and reserve the next. 401 and 403 are about who calls, and a proxy
    /// may answer them for some seconds.
    pub fn lease_is_lost(&self) -> bool {
        let refused = match &self.kind {
            ErrorKind::Refused { status, .. } => !is_try_again(*status),
            ErrorKind::Unauthorized { .. }
            | ErrorKind::Unreachable { .. }
            | ErrorKind::Untrusted { .. }
            | ErrorKind::Redirected { .. }
            | ErrorKind::Failed { .. }
            | ErrorKind::Stopping { .. }
            | ErrorKind::NotUnderstood { .. }
            | ErrorKind::NotFound { .. }
            | ErrorKind::Unsupported { .. }
            | ErrorKind::Unclear { .. }
            | ErrorKind::TestsIgnored { .. }
            | ErrorKind::Unreadable { .. }
            | ErrorKind::NotSendable { .. } => false,
        };
        self.holds_lease && refused
    }

    /// Whether the service refused to repeat a request that it may have carried out already. If no other client can have
    /// changed anything, the request was carried out.
    pub(crate) fn is_refused_repetition(&self) -> bool {
        matches!(&self.kind, ErrorKind::Unclear { because, .. }
            if matches!(**because, ErrorKind::Refused { .. }))
    }

    /// Whether the same call may succeed later without a change by the user.
    pub fn is_transient(&self) -> bool {
        self.kind.is_transient()
    }

    /// What a command that ends with this error comes to.
    pub fn conclusion(&self) -> Conclusion {
        match self.kind {
            ErrorKind::NotFound { .. } => Conclusion::NothingToRun,
            ErrorKind::NotSendable { .. } => Conclusion::Bug,
            ErrorKind::Unreadable { .. } => Conclusion::Usage,
            ErrorKind::Unreachable { .. }
            | ErrorKind::Untrusted { .. }
            | ErrorKind::Redirected { .. }
            | ErrorKind::Unauthorized { .. }
            | ErrorKind::Refused { .. }
            | ErrorKind::Failed { .. }
            | ErrorKind::Stopping { .. }
            | ErrorKind::NotUnderstood { .. }
            | ErrorKind::Unsupported { .. }
            | ErrorKind::Unclear { .. }
            | ErrorKind::TestsIgnored { .. } => Conclusion::Infrastructure,
        }
    }

    /// One thing to do.
    pub fn help(&self) -> String {
        self.kind.help()
    }
}

/// Statuses 4xx that are temporary and not caused by the request.
pub(super) fn is_try_again(status: u16) -> bool {
    matches!(status, 408 | 425 | 429)
}

impl ErrorKind {
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Stopping { .. } => true,
            // 501 and 505 are about what the service can do, not about how it is.
            Self::Failed { status, .. } => !matches!(status, 501 | 505),
            Self::Refused { status, .. } => is_try_again(*status),
            Self::NotUnderstood { json, .. } => !json,
            Self::Untrusted { .. }
            | Self::Redirected { .. }
            | Self::Unauthorized { .. }
            | Self::NotFound { .. }
            | Self::Unsupported { .. }
            | Self::Unclear { .. }
            | Self::TestsIgnored { .. }
            | Self::Unreadable { .. }
            | Self::NotSendable { .. } => false,
        }
    }

    /// Whether the service did not answer, or something before it did in its place. Refusals of the service are none.
    pub(super) fn is_outage(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::Untrusted { .. }
            | Self::Redirected { .. }
            | Self::Unauthorized { .. }
            | Self::Failed { .. }
            | Self::Stopping { .. } => true,
            Self::NotUnderstood { json, .. } => !json,
            Self::Refused { .. }
            | Self::NotFound { .. }
            | Self::Unsupported { .. }
            | Self::Unclear { .. }
            | Self::TestsIgnored { .. }
            | Self::Unreadable { .. }
            | Self::NotSendable { .. } => false,
        }
    }
}
