//! Statements that are prepared once for each connection.

use diesel::{
    QueryResult,
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
};

/// A statement that always reads the same but for its parameters.
///
/// Of most statements Diesel knows that by itself. Of updates and upserts it does not, and would have PostgreSQL parse and
/// plan them anew each time, at the price of another round trip.
pub(crate) struct Prepared<Q>(pub(crate) Q);

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Prepared<Q> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(pass)
    }

    fn is_safe_to_cache_prepared(&self, _: &Pg) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<Q> QueryId for Prepared<Q> {
    /// It is known by its text.
    const HAS_STATIC_QUERY_ID: bool = false;

    type QueryId = ();
}

impl<Q: Query> Query for Prepared<Q> {
    type SqlType = Q::SqlType;
}
