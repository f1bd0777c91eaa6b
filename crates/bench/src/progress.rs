//! What is going on, on standard error; the figures go to standard output.

use std::io::{self, Write};

pub(crate) fn tell(message: &str) {
    // There is nobody to tell when standard error is closed.
    let _ = writeln!(io::stderr(), "{message}");
}
