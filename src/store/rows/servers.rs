//! Statements about Squish servers: which lease a server is bound to, and the registry.

use std::time::Duration;

use super::ServerBinding;
use crate::{
    model::{NewSquishServer, ServerTrouble, SquishServer, SquishServerId, Timestamp},
    store::StoreError,
};

/// A server that a lease can get.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct FreeServer {
    pub(in crate::store) id: i64,
    pub(in crate::store) label_set: i64,
}

/// What a changed server is like from now on.
#[derive(Debug)]
pub(in crate::store) struct NewServerRow<'a> {
    pub(in crate::store) id: SquishServerId,
    pub(in crate::store) host: &'a str,
    pub(in crate::store) port: &'a str,
    pub(in crate::store) enabled: bool,
    pub(in crate::store) label_set: i64,
    /// Who enabled or disabled it last, and why; `None` keeps what the row has.
    pub(in crate::store) note: Option<&'a str>,
    /// Whether a cool-down after trouble ends.
    pub(in crate::store) ends_cool_down: bool,
}

/// Reading the registry.
pub(in crate::store) trait ServerReads {
    /// All registered servers in order of their numbers as of `now`; `cool_down` follows an expired lease.
    fn servers(
        &mut self,
        cool_down: Duration,
        now: Timestamp,
    ) -> Result<Vec<SquishServer>, StoreError>;
}

/// Bindings, and changes of the registry.
pub(in crate::store) trait ServerRows {
    /// A server by number, removed or not, and whether it is removed.
    fn server(
        &mut self,
        id: i64,
        cool_down: Duration,
        now: Timestamp,
    ) -> Result<Option<(SquishServer, bool)>, StoreError>;

    /// The servers that a lease can get at `now`, in order of their numbers.
    fn free_servers(&mut self, now: Timestamp) -> Result<Vec<FreeServer>, StoreError>;

    /// Binds a free server to a new lease.
    fn bind_server(&mut self, binding: ServerBinding, now: Timestamp) -> Result<(), StoreError>;

    /// After its lease expired: others can have it from `free_from` on. Until then the lease can get it back.
    fn cool_server_down(
        &mut self,
        binding: ServerBinding,
        free_from: Timestamp,
    ) -> Result<(), StoreError>;

    /// Gives the server back to this lease; `false` if another lease took it.
    fn rebind_server(&mut self, binding: ServerBinding) -> Result<bool, StoreError>;

    /// Frees the server at once, if this lease still has it. `is_healthy` ends its row of troubles.
    fn free_server(&mut self, binding: ServerBinding, is_healthy: bool) -> Result<(), StoreError>;

    /// Its address, and how often in a row it gave trouble, if this lease still has it.
    fn bound_server(&mut self, binding: ServerBinding)
    -> Result<Option<(String, u32)>, StoreError>;

    /// Frees a server that gave trouble for the `in_a_row`th time; it rests until `rests_until`.
    fn rest_server(
        &mut self,
        binding: ServerBinding,
        trouble: (ServerTrouble, u32),
        rests_until: Timestamp,
    ) -> Result<(), StoreError>;

    /// Registers a server, or changes the one with its address, also a removed one, and ends its cool-down after trouble.
    fn register_server(
        &mut self,
        new: &NewSquishServer,
        label_set: i64,
    ) -> Result<SquishServerId, StoreError>;

    /// Changes the labels of the server with this address; `false` if none is registered.
    fn relabel_server(&mut self, new: &NewSquishServer, label_set: i64)
    -> Result<bool, StoreError>;

    /// Another server with this address, and whether it was removed.
    fn server_with_address(
        &mut self,
        host: &str,
        port: &str,
        other_than: SquishServerId,
    ) -> Result<Option<(i64, bool)>, StoreError>;

    /// Changes a registered server.
    fn update_server(&mut self, row: &NewServerRow<'_>) -> Result<(), StoreError>;

    /// Removes a server; `false` if none of this number is registered.
    fn remove_server(&mut self, id: SquishServerId) -> Result<bool, StoreError>;
}
