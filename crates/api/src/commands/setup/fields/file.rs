//! The field file on the disk.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};
use hermes_pipedrive::{FieldDocument, FieldFileError};
use tempfile::{Builder, NamedTempFile};

use super::super::super::print;
use crate::config::{self, ConfigError, FIELD_FILE};

/// What a new file may be used for, before the user's mask.
const PERMISSIONS: u32 = 0o666;

/// The field file, or what will be one.
#[derive(Debug)]
pub(super) struct FieldFile {
    pub(super) document: FieldDocument,
    /// Where it really is, if it is behind a link.
    path: PathBuf,
    /// What is in it, if it is there.
    read: Option<String>,
}

impl FieldFile {
    /// Reads it. One that makes no sense is left alone.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let read = read(path)?;
        let document = match &read {
            Some(text) => FieldDocument::parse(text),
            None => FieldDocument::empty(),
        };
        let document = document.and_then(|document| {
            document.check(|text| config::fields_in(text).map(drop))?;
            Ok(document)
        });
        let document = document.map_err(unusable)?;
        // A link stays one.
        let path = if read.is_some() { fs::canonicalize(path)? } else { path.to_owned() };
        Ok(Self { document, path, read })
    }

    /// Makes sure that it can be written.
    pub(super) fn can_be_written(&self) -> anyhow::Result<()> {
        self.draft().map(drop)
    }

    /// Whether it has to be another one.
    pub(super) const fn differs(&self) -> bool {
        self.read.is_none() || self.document.is_changed()
    }

    /// Writes it, if it has to be another one; whether it had. What cannot be written is printed.
    pub(super) fn save(self) -> anyhow::Result<bool> {
        if !self.differs() {
            return Ok(false);
        }
        let text = self.document.text();
        // Whoever will read it must be able to.
        config::fields_in(&text).map_err(unusable)?;
        let draft = self.draft()?;
        ensure!(
            read(&self.path)? == self.read,
            "{FIELD_FILE} has been changed by somebody else meanwhile, and was not written; run `hermes setup fields` again"
        );
        if let Err(error) = replace(&self.path, draft, &text) {
            print(&format!("{FIELD_FILE}, as it was to be written:\n\n{text}"))?;
            return Err(not_replaced(error));
        }
        Ok(true)
    }

    /// An empty file beside it, which goes when it is dropped.
    fn draft(&self) -> anyhow::Result<NamedTempFile> {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let mut builder = Builder::new();
        builder.prefix(".hermes-fields-").permissions(fs::Permissions::from_mode(PERMISSIONS));
        builder.tempfile_in(folder).with_context(|| {
            format!(
                "{FIELD_FILE} cannot be written; nothing was changed. Run the command in a directory that this user may write \
                 to"
            )
        })
    }
}

/// Puts a draft with this text in the place of a file, at once.
fn replace(path: &Path, mut draft: NamedTempFile, text: &str) -> io::Result<()> {
    draft.write_all(text.as_bytes())?;
    if let Ok(known) = fs::metadata(path) {
        draft.as_file().set_permissions(known.permissions())?;
    }
    draft.as_file().sync_all()?;
    draft.persist(path)?;
    Ok(())
}

/// What to do about a file that stayed as it was, after its text was printed.
fn not_replaced(error: io::Error) -> anyhow::Error {
    let advice = if error.kind() == io::ErrorKind::ResourceBusy {
        "It seems to be mounted by itself: mount the directory that it is in, and run `hermes setup fields` again. Or put the \
         text that was printed into it"
    } else {
        "Put the text that was printed into it. Or deal with the cause, and run `hermes setup fields` again"
    };
    anyhow::Error::new(error).context(format!(
        "{FIELD_FILE} cannot be written, and is as it was; nothing that was made in Pipedrive is lost. {advice}"
    ))
}

/// What is in the file, if it is there.
fn read(path: &Path) -> anyhow::Result<Option<String>> {
    match fs::metadata(path) {
        Ok(known) if !known.is_file() => bail!("{FIELD_FILE} is no file; move it out of the way, and try again"),
        Ok(_) => match fs::read_to_string(path) {
            Ok(text) => Ok(Some(text)),
            Err(error) => Err(ConfigError::UnreadableFields(error).into()),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ConfigError::UnreadableFields(error).into()),
    }
}

fn unusable(error: FieldFileError) -> anyhow::Error {
    anyhow::Error::new(ConfigError::Fields(error)).context(format!(
        "{FIELD_FILE} is not in order, and was left as it is. Correct it, or delete it and run `hermes setup fields` again: \
         it finds the fields by their names"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_replaced_is_as_it_was_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().expect("a directory");
        let path = folder.path().join(FIELD_FILE);
        // As good as a file that is mounted: nothing can be put in its place.
        fs::create_dir(&path).expect("a directory");
        let file = FieldFile { document: FieldDocument::empty().expect("a document"), path: path.clone(), read: None };
        let error =
            replace(&path, file.draft().expect("a draft"), "[deal]\n").expect_err("a directory is in its place");
        assert_eq!(fs::read_dir(folder.path()).expect("files").count(), 1);
        let told = format!("{:#}", not_replaced(error));
        assert!(told.contains("is as it was") && told.contains("Put the text that was printed into it"), "{told}");
    }

    #[test]
    fn of_a_file_that_is_mounted_by_itself_it_is_said_what_to_mount() {
        let told = format!("{:#}", not_replaced(io::ErrorKind::ResourceBusy.into()));
        assert!(told.contains("mount the directory that it is in"), "{told}");
    }
}
