//! Functions of PostgreSQL that several tables' queries use.

use diesel::sql_types::{Nullable, SingleValue, Text};

/// Text, or text that may be absent.
pub(crate) trait Textual: SingleValue {}
impl Textual for Text {}
impl Textual for Nullable<Text> {}

diesel::define_sql_function! {
    fn lower<T: Textual>(text: T) -> T;
}
