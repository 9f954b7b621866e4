//! The registry of Squish servers.

use http::Method;

use super::{
    Client, ClientError,
    answer::{accepted, json},
    call::Call,
    retry_rule::Repeat,
};
use crate::{
    api::squish_server::{NewSquishServerRequest, SquishServerPatch, SquishServerResponse},
    model::{NewSquishServer, SquishServer, SquishServerChange, SquishServerId},
};

impl Client {
    /// All registered Squish servers.
    pub async fn squish_servers(&self) -> Result<Vec<SquishServer>, ClientError> {
        let call = Call::new(Method::GET, "squishservers");
        let read = json::<Vec<SquishServerResponse>>("a list of Squish servers");
        let servers = self.ask(&call, read).await?;
        Ok(servers.into_iter().map(SquishServer::from).collect())
    }

    /// Registers one. Not repeated where it may have been registered already.
    pub async fn add_squish_server(
        &self,
        server: &NewSquishServer,
    ) -> Result<SquishServer, ClientError> {
        let call = Call::new(Method::POST, "squishservers").json(&NewSquishServerRequest {
            port: server.port.to_string(),
            enabled: server.enabled,
            host: server.host.clone(),
            labels: server.labels.clone().into(),
        });
        self.server_of(&call, Repeat::IfNotDone).await
    }

    /// Changes one.
    pub async fn change_squish_server(
        &self,
        id: SquishServerId,
        change: &SquishServerChange,
    ) -> Result<SquishServer, ClientError> {
        let patch = SquishServerPatch {
            port: change.port.map(|port| port.to_string()),
            enabled: change.enabled,
            host: change.host.clone(),
            labels: change.labels.clone().map(Vec::from),
            reason: Some(change.reason.clone())
                .filter(|reason| !reason.is_empty() && self.is_testplan()),
        };
        let call = Call::new(Method::PATCH, &format!("squishservers/{id}")).json(&patch);
        self.server_of(&call, Repeat::Always).await
    }

    /// Removes one.
    pub async fn remove_squish_server(&self, id: SquishServerId) -> Result<(), ClientError> {
        let call = Call::new(Method::DELETE, &format!("squishservers/{id}"));
        self.ask(&call, accepted).await
    }

    async fn server_of(&self, call: &Call, repeat: Repeat) -> Result<SquishServer, ClientError> {
        let read = json::<SquishServerResponse>("a Squish server");
        let got = self.persist(call, self.service_rule(repeat), read).await?;
        Ok(got.value.into())
    }
}
