//! Lists: what to ask for, and the one loop over their pages.

use std::marker::PhantomData;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::de::DeserializeOwned;

use crate::{
    answer::Page,
    client::Client,
    error::{Error, Result},
    transport::{Call, Version},
};

/// The most that Pipedrive gives in one page of a list.
pub(crate) const LIST_PAGE: &str = "500";
/// The most that Pipedrive gives in one page of search results.
pub(crate) const SEARCH_PAGE: &str = "100";

/// Which objects a list holds, and in which order: by id, unless said otherwise. Not every list knows every filter: Pipedrive refuses what it does not know.
#[derive(Debug, Clone, Default)]
pub struct Filter(Vec<(&'static str, String)>);

impl Filter {
    pub fn new() -> Self {
        Self::default()
    }

    fn with(mut self, name: &'static str, value: String) -> Self {
        self.0.push((name, value));
        self
    }

    /// These only; at most 100.
    #[must_use]
    pub fn ids(self, ids: &[i64]) -> Self {
        self.with("ids", joined(ids))
    }

    #[must_use]
    pub fn owner(self, user: i64) -> Self {
        self.with("owner_id", user.to_string())
    }

    #[must_use]
    pub fn organization(self, id: i64) -> Self {
        self.with("org_id", id.to_string())
    }

    #[must_use]
    pub fn person(self, id: i64) -> Self {
        self.with("person_id", id.to_string())
    }

    #[must_use]
    pub fn deal(self, id: i64) -> Self {
        self.with("deal_id", id.to_string())
    }

    #[must_use]
    pub fn pipeline(self, id: i64) -> Self {
        self.with("pipeline_id", id.to_string())
    }

    /// Deals: `open`, `won`, `lost`, `deleted`.
    #[must_use]
    pub fn status(self, statuses: &[&str]) -> Self {
        self.with("status", joined(statuses))
    }

    /// Changed at or after this moment; whole seconds count.
    #[must_use]
    pub fn updated_since(self, moment: DateTime<Utc>) -> Self {
        self.with("updated_since", moment.to_rfc3339_opts(SecondsFormat::Secs, true))
    }

    /// Changed before this moment; whole seconds count.
    #[must_use]
    pub fn updated_until(self, moment: DateTime<Utc>) -> Self {
        self.with("updated_until", moment.to_rfc3339_opts(SecondsFormat::Secs, true))
    }

    /// Those that were added last come first.
    #[must_use]
    pub fn newest_first(self) -> Self {
        self.with("sort_by", "add_time".to_owned()).with("sort_direction", "desc".to_owned())
    }

    /// Only these custom fields are wanted in the answer; at most 15.
    #[must_use]
    pub fn custom_fields(self, keys: &[&str]) -> Self {
        self.with("custom_fields", joined(keys))
    }

    pub(crate) fn into_query(self) -> Vec<(&'static str, String)> {
        self.0
    }
}

fn joined<T: ToString>(values: &[T]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// What to search for.
#[derive(Debug, Clone, Copy)]
pub struct Search<'a> {
    /// At least two characters; one, if `exact`.
    pub term: &'a str,
    /// Where to look: `name`, `email`, `custom_fields`, ….
    pub fields: &'a [&'a str],
    /// Whether the whole value must be the term, upper and lower case being the same.
    pub exact: bool,
}

impl Search<'_> {
    pub(crate) fn into_query(self) -> Vec<(&'static str, String)> {
        vec![
            ("term", self.term.to_owned()),
            ("fields", self.fields.join(",")),
            ("exact_match", self.exact.to_string()),
            ("limit", SEARCH_PAGE.to_owned()),
        ]
    }
}

/// The pages of a list, fetched one after another as they are asked for.
#[derive(Debug)]
pub struct Pages<T, D = Vec<T>> {
    client: Client,
    version: Version,
    path: String,
    query: Vec<(&'static str, String)>,
    position: Position,
    page: PhantomData<fn() -> (T, D)>,
}

#[derive(Debug)]
enum Position {
    Start,
    After(String),
    End,
}

impl<T, D> Pages<T, D>
where
    T: Send,
    D: DeserializeOwned + Into<Vec<T>> + Send,
{
    pub(crate) fn new(client: Client, version: Version, path: String, query: Vec<(&'static str, String)>) -> Self {
        Self { client, version, path, query, position: Position::Start, page: PhantomData }
    }

    /// Begins after this cursor, where there is one.
    #[must_use]
    pub(crate) fn after(mut self, cursor: Option<&str>) -> Self {
        self.position = cursor.map_or(Position::Start, |cursor| Position::After(cursor.to_owned()));
        self
    }

    /// Where the page after the last one that was read begins.
    pub(crate) fn cursor(self) -> Option<String> {
        match self.position {
            Position::After(cursor) => Some(cursor),
            Position::Start | Position::End => None,
        }
    }

    /// The next page, or nothing after the last. After an error the same page can be asked for again.
    pub async fn next(&mut self) -> Result<Option<Vec<T>>> {
        let cursor = match &self.position {
            Position::Start => None,
            Position::After(cursor) => Some(cursor),
            Position::End => return Ok(None),
        };
        let mut query = self.query.clone();
        query.extend(cursor.map(|cursor| ("cursor", cursor.clone())));
        let call = Call { query: &query, ..Call::get(self.version, &self.path) };
        let page = self.client.transport().send::<Page<D>>(&call).await?;
        if page.next_cursor.is_some() && page.next_cursor.as_ref() == cursor {
            return Err(Error::Decode { message: "a page that points to itself".to_owned() });
        }
        self.position = page.next_cursor.map_or(Position::End, Position::After);
        Ok(Some(page.data.map_or_else(Vec::new, Into::into)))
    }

    /// Everything there is.
    pub async fn all(mut self) -> Result<Vec<T>> {
        let mut all = Vec::new();
        while let Some(page) = self.next().await? {
            all.extend(page);
        }
        Ok(all)
    }
}
