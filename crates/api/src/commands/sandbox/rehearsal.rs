//! The rehearsal: the stand-ins alone, an account in which nothing is set up, and a `.env` with which somebody sets Hermes
//! up for them.

use std::{
    env,
    fs::{self, OpenOptions},
    future,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::Context;
use hermes_sandbox::pipedrive::PipedriveOptions;

use super::{super::print, database::Database, process::Process, progress, stand_ins::StandIns};
use crate::{
    cli::{self, UsageError},
    config::VARIABLES,
};

/// Where Hermes listens unless it is told otherwise.
const PORT: u16 = 8000;

/// Its owner alone may read it: it looks like one that holds secrets.
const MODE: u32 = 0o600;

#[derive(Debug)]
pub(super) struct Rehearsal {
    /// Absolute, so that it can be found from anywhere.
    directory: PathBuf,
}

impl Rehearsal {
    /// In this directory, which is made if it is not there. A `.env` of somebody else is left alone.
    pub(super) fn in_directory(directory: &Path) -> anyhow::Result<Self> {
        let shown = directory.display();
        fs::create_dir_all(directory).with_context(|| format!("the directory {shown} cannot be made"))?;
        let directory = directory.canonicalize().with_context(|| format!("the directory {shown} cannot be found"))?;
        let file = directory.join(".env");
        if file.symlink_metadata().is_ok() {
            return Err(is_there(&file).into());
        }
        Ok(Self { directory })
    }

    /// Stays up until it is dropped.
    pub(super) async fn hold(&self, args: &cli::Sandbox, database: &Database) -> anyhow::Result<()> {
        database.create().await?;
        let account = PipedriveOptions { fields: Vec::new(), ..PipedriveOptions::demo() };
        let port = args.port.unwrap_or(PORT);
        let stand_ins = StandIns::start(args, account, port).await?;
        let mut settings = stand_ins.settings(database.url());
        settings.extend([
            ("HOST", "127.0.0.1".to_owned()),
            ("PORT", port.to_string()),
            ("LOG_LEVEL", "INFO".to_owned()),
        ]);
        let _file = EnvFile::write(self.directory.join(".env"), &settings)?;
        print(&self.invitation(&stand_ins, database, port))?;
        future::pending().await
    }

    fn invitation(&self, stand_ins: &StandIns, database: &Database, port: u16) -> String {
        let (tc2, pipedrive) = (stand_ins.tc2.base_url(), stand_ins.pipedrive.base_url());
        let (google, page) = (stand_ins.google.base_url(), stand_ins.booking_page.url());
        let (postgres, hermes) = (database.shown_url(), Process::url_at(port));
        let directory = in_a_shell(&self.directory.display().to_string());
        let in_the_way = variables_in_the_way();
        let unset = if in_the_way.is_empty() {
            String::new()
        } else {
            format!("  unset {}    # else they go before the .env\n", in_the_way.join(" "))
        };
        format!(
            "\nThe stand-ins stay up until Ctrl-C:
  TutorCruncher   {tc2}/
  Pipedrive       {pipedrive}/
  Google          {google}/
  PostgreSQL      {postgres}

Set Hermes up for them, in another terminal:
  cd {directory}
{unset}  hermes migrate
  hermes setup                    # where new deals start
  hermes setup fields --create    # the custom fields
  hermes setup admins             # in TutorCruncher Sally is 1, Sam 2, Bea 3
  hermes setup webhooks --url {hermes}
  hermes doctor                   # is all in order?
  hermes serve

Then sign a client up at {tc2}/ (New client), see
what becomes of it at {pipedrive}/, and book a call at
{page}/."
        )
    }
}

/// A `.env` that is removed when this is dropped.
#[derive(Debug)]
struct EnvFile {
    path: PathBuf,
    /// What tells it from one that somebody has put in its place.
    mark: String,
}

impl EnvFile {
    fn write(path: PathBuf, settings: &[(&str, String)]) -> anyhow::Result<Self> {
        let mark = format!(
            "# Of the rehearsal {:016x} (`hermes sandbox --rehearse`), which removes it when it ends.\n",
            fastrand::u64(..)
        );
        let text = settings.iter().fold(mark.clone(), |text, (name, value)| text + &entry(name, value));
        let mut file = match OpenOptions::new().write(true).create_new(true).mode(MODE).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(is_there(&path).into()),
            opened => opened.with_context(|| format!("{} cannot be written", path.display()))?,
        };
        if let Err(error) = file.write_all(text.as_bytes()) {
            // It was made a moment ago, and is worth nothing.
            let _ = fs::remove_file(&path);
            return Err(error).with_context(|| format!("{} cannot be written", path.display()));
        }
        Ok(Self { path, mark })
    }
}

impl Drop for EnvFile {
    fn drop(&mut self) {
        let is_ours = fs::read(&self.path).is_ok_and(|text| text.starts_with(self.mark.as_bytes()));
        if is_ours && let Err(error) = fs::remove_file(&self.path) {
            progress(&format!("{} is left behind: {error}", self.path.display()));
        }
    }
}

fn is_there(file: &Path) -> UsageError {
    let fault = format!("{} is there already; rehearse in a directory without one", file.display());
    UsageError(vec![fault])
}

/// The variables of Hermes that the environment holds. They would lead elsewhere: they go before those of the file.
fn variables_in_the_way() -> Vec<String> {
    let is_known = |name: &String| VARIABLES.iter().any(|known| known.name.eq_ignore_ascii_case(name));
    env::vars_os().filter_map(|(name, _)| name.into_string().ok()).filter(is_known).collect()
}

/// As the file `.env` has it.
fn entry(name: &str, value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("{name}=\"{value}\"\n")
}

/// As one word of a shell.
fn in_a_shell(text: &str) -> String {
    let is_plain = text.chars().all(|c| c.is_alphanumeric() || "/._-+,:@".contains(c));
    if is_plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word_of_a_shell() {
        for (path, expected) in
            [("/tmp/a-b_1.x", "/tmp/a-b_1.x"), ("/a b", "'/a b'"), ("/it's", r"'/it'\''s'"), ("/$x", "'/$x'")]
        {
            assert_eq!(in_a_shell(path), expected);
        }
    }
}
