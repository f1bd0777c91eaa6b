//! The binary `hermes` once more, where tests of this package find it: a package is given the paths of its own binaries
//! only.

fn main() -> std::process::ExitCode {
    hermes::main()
}
