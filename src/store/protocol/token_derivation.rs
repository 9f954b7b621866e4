//! Lease tokens: `EPOCH.SECRET`, the secret 192 bits, derived so that a repeated request can be given the same one.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::model::{ExecutionId, LeaseToken};

/// Bytes of the secret part.
const SECRET: usize = 24;

/// The hash that a database keeps instead of the token. Compares in constant time.
#[derive(Clone, Copy, Eq)]
pub(crate) struct LeaseHash(pub(crate) [u8; 32]);

impl LeaseHash {
    /// The hash of a token.
    pub(crate) fn of(token: &LeaseToken) -> Self {
        Self(Sha256::digest(token.expose()).into())
    }
}

impl PartialEq for LeaseHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for LeaseHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LeaseHash(…)")
    }
}

/// The token of an execution's lease: unique by `nonce`, and not guessable without the `key` of the service.
///
/// Both have a fixed length, so a plain hash of them is as strong as a keyed one. The nonce is needed beside the epoch,
/// because with relaxed durability a power loss can repeat an epoch.
pub(crate) fn token(
    key: &[u8; 32],
    nonce: &[u8; 16],
    execution: ExecutionId,
    epoch: u32,
) -> LeaseToken {
    let secret = Sha256::new()
        .chain_update(key)
        .chain_update(nonce)
        .chain_update(execution.0.to_le_bytes())
        .chain_update(epoch.to_le_bytes())
        .finalize();
    LeaseToken::new(format!(
        "{epoch}.{}",
        URL_SAFE_NO_PAD.encode(&secret[..SECRET])
    ))
}

/// The epoch in a token; `None` for a token of another service.
pub(crate) fn epoch(token: &LeaseToken) -> Option<u32> {
    token.expose().split_once('.')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_depends_on_every_input() {
        let base = token(&[1; 32], &[2; 16], ExecutionId(3), 4);
        assert_eq!(base, token(&[1; 32], &[2; 16], ExecutionId(3), 4));
        for other in [
            token(&[9; 32], &[2; 16], ExecutionId(3), 4),
            token(&[1; 32], &[9; 16], ExecutionId(3), 4),
            token(&[1; 32], &[2; 16], ExecutionId(9), 4),
            token(&[1; 32], &[2; 16], ExecutionId(3), 9),
        ] {
            assert_ne!(base, other);
            assert_ne!(LeaseHash::of(&base), LeaseHash::of(&other));
        }
        assert_eq!(epoch(&base), Some(4));
        assert_eq!(base.expose().len(), "4.".len() + 32);
    }

    #[test]
    fn foreign_tokens_have_no_epoch() {
        for text in ["", "4", "x.y", "-1.abc", "4294967296.abc"] {
            assert_eq!(epoch(&LeaseToken::new(text)), None, "{text:?}");
        }
    }

    #[test]
    fn hash_is_not_printed() {
        let shown = format!("{:?}", LeaseHash::of(&LeaseToken::new("1.abc")));
        assert_eq!(shown, "LeaseHash(…)");
    }
}
