//! Typed access to an account.

use std::sync::Arc;

use reqwest::Method;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::to_raw_value;

use crate::{
    answer::{Done, One},
    config::Config,
    error::{BuildError, Error, Result},
    pages::{Filter, LIST_PAGE, Pages, Search},
    transport::{Call, Transport, Version},
    wire::{Body, FieldDefinition, FieldsOf, Object, Resource, SearchData, SearchHit, User},
};

/// A Pipedrive account. Clones share the rate limit, the pauses and the connections.
///
/// Every method may fail with any [`Error`]. A failure is reported after the few attempts that [`crate::Retry`] allows.
#[derive(Debug, Clone)]
pub struct Client(Arc<Transport>);

impl Client {
    /// The program must have installed a TLS provider before (see [`BuildError::NoTlsProvider`]).
    pub fn new(config: Config) -> std::result::Result<Self, BuildError> {
        Ok(Self(Arc::new(Transport::new(config)?)))
    }

    pub(crate) fn transport(&self) -> &Transport {
        &self.0
    }

    /// An object by its id. Pipedrive may still know one that was deleted: see [`Object::is_deleted`].
    pub async fn get<R: Resource>(&self, id: i64) -> Result<R> {
        self.one(Call { id: Some(id), ..Call::get(R::VERSION, R::PATH) }).await
    }

    /// Makes a new object. After [`Error::Unavailable`] and [`Error::Decode`] it may exist all the same.
    pub async fn create<B: Body>(&self, body: &B) -> Result<Object<B>> {
        self.create_as(body).await
    }

    /// [`Client::create`], for who reads the answer in a way of their own.
    pub(crate) async fn create_as<B: Body, T: DeserializeOwned>(&self, body: &B) -> Result<T> {
        self.post(B::VERSION, B::PATH, body).await
    }

    /// Changes what the body holds, and nothing else.
    pub async fn update<B: Body>(&self, id: i64, body: &B) -> Result<Object<B>> {
        self.update_as(id, body).await
    }

    /// [`Client::update`], for who reads the answer in a way of their own.
    pub(crate) async fn update_as<B: Body, T: DeserializeOwned>(&self, id: i64, body: &B) -> Result<T> {
        let call = Call { method: Method::PATCH, id: Some(id), ..Call::get(B::VERSION, B::PATH) };
        self.one(with_body(call, body)?).await
    }

    /// Deletes an object. One that is not there (any more) is an error: [`Error::NotFound`] or [`Error::Gone`].
    pub async fn delete<R: Resource>(&self, id: i64) -> Result<()> {
        let call = Call { method: Method::DELETE, id: Some(id), ..Call::get(R::VERSION, R::PATH) };
        let Done = self.0.send(&call).await?;
        Ok(())
    }

    /// The objects that pass the filter, in its order.
    pub fn list<R: Resource>(&self, filter: &Filter) -> Pages<R> {
        self.pages(R::VERSION, R::PATH, filter.clone().into_query())
    }

    /// The objects of this kind that are archived, which [`Client::list`] leaves out.
    pub(crate) fn archived<R: Resource>(&self) -> Pages<R> {
        self.pages(R::VERSION, &format!("{}/archived", R::PATH), Vec::new())
    }

    /// Searches organizations, persons or deals.
    pub fn search<R: Resource>(&self, search: Search<'_>) -> Pages<SearchHit, SearchData> {
        Pages::new(self.clone(), R::VERSION, format!("{}/search", R::PATH), search.into_query())
    }

    /// The fields that objects of one kind have, standard ones included.
    pub fn fields(&self, of: FieldsOf) -> Pages<FieldDefinition> {
        self.pages(Version::V2, of.path(), Vec::new())
    }

    /// Makes a new custom field, and returns it with its key.
    pub async fn create_field(&self, of: FieldsOf, field: &FieldDefinition) -> Result<FieldDefinition> {
        self.post(Version::V2, of.path(), field).await
    }

    /// The user whose API key this is.
    pub async fn me(&self) -> Result<User> {
        self.one(Call::get(Version::V1, "users/me")).await
    }

    fn pages<T: DeserializeOwned + Send>(
        &self,
        version: Version,
        path: &str,
        mut query: Vec<(&'static str, String)>,
    ) -> Pages<T> {
        // The lists of v1 that are used here come whole.
        if version == Version::V2 {
            query.push(("limit", LIST_PAGE.to_owned()));
        }
        Pages::new(self.clone(), version, path.to_owned(), query)
    }

    async fn post<T: DeserializeOwned>(
        &self,
        version: Version,
        path: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<T> {
        self.one(with_body(Call { method: Method::POST, ..Call::get(version, path) }, body)?).await
    }

    async fn one<T: DeserializeOwned>(&self, call: Call<'_>) -> Result<T> {
        let One(data) = self.0.send(&call).await?;
        Ok(data)
    }
}

fn with_body<'a>(call: Call<'a>, body: &impl Serialize) -> Result<Call<'a>> {
    let body = to_raw_value(body)
        .map_err(|error| Error::Rejected { status: 0, message: format!("cannot be written as JSON: {error}") })?;
    Ok(Call { body: Some(body), ..call })
}
