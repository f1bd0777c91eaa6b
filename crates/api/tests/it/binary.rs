//! The binary, run as a process of its own in an empty folder, with no environment but the one that is given.

use std::{
    fs,
    io::{self, BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use tempfile::TempDir;

pub(crate) struct Hermes {
    folder: TempDir,
    environment: Vec<(String, String)>,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Hermes {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder"), environment: Vec::new() }
    }

    pub(crate) fn dot_env(self, text: &str) -> Self {
        fs::write(self.folder.path().join(".env"), text).expect("a file");
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Where it runs.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        ended(self.command(arguments).output())
    }

    /// Runs it with a standard output that nothing can be written to.
    pub(crate) fn run_without_room(&self, arguments: &[&str]) -> Ended {
        let full = fs::File::options().write(true).open("/dev/full").expect("a full device");
        ended(self.command(arguments).stdout(full).output())
    }

    /// Runs it with a standard output that nobody reads any more.
    pub(crate) fn run_unread(&self, arguments: &[&str]) -> Ended {
        let (reader, writer) = io::pipe().expect("a pipe");
        drop(reader);
        ended(self.command(arguments).stdout(writer).output())
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        let mut child =
            self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs");
        let (out, err) = (child.stdout.take().expect("a pipe"), child.stderr.take().expect("a pipe"));
        Running { child, out: Lines::of(out), err: Lines::of(err) }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hermes"));
        command.args(arguments).current_dir(self.folder.path()).env_clear();
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }
}

fn ended(output: io::Result<Output>) -> Ended {
    let Output { status, stdout, stderr } = output.expect("the binary runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Ended { code: status.code(), out: text(stdout), err: text(stderr) }
}

/// A process that runs on, and is killed when this is dropped.
pub(crate) struct Running {
    child: Child,
    pub(crate) out: Lines,
    pub(crate) err: Lines,
}

impl Running {
    pub(crate) fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("an id");
        kill_process(id, signal).expect("it runs");
    }

    /// Waits until it has ended of itself.
    pub(crate) fn end(&mut self) -> ExitStatus {
        self.child.wait().expect("it ends")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a process writes, line by line.
pub(crate) struct Lines(Receiver<String>);

impl Lines {
    fn of(pipe: impl Read + Send + 'static) -> Self {
        let (sender, receiver) = channel();
        thread::spawn(move || {
            BufReader::new(pipe).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Self(receiver)
    }

    /// Everything up to and including the first line that holds this text, which is waited for.
    #[track_caller]
    pub(crate) fn until(&self, text: &str) -> String {
        let mut read = String::new();
        loop {
            let line = self.0.recv_timeout(Duration::from_mins(2));
            let line = line.unwrap_or_else(|error| panic!("{error}: {text:?} was not written, but\n{read}"));
            read.push_str(&line);
            read.push('\n');
            if line.contains(text) {
                return read;
            }
        }
    }

    /// All that is left, once the process has ended.
    pub(crate) fn rest(&self) -> String {
        self.0.iter().fold(String::new(), |read, line| read + &line + "\n")
    }
}
