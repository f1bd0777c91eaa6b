//! The binary `hermes`.

fn main() -> std::process::ExitCode {
    hermes::main()
}
