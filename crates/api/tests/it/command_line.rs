use crate::binary::Hermes;

#[test]
fn help_tells_every_command_an_example_and_the_environment() {
    let help = Hermes::new().run(&["--help"]);
    assert_eq!(help.code, Some(0));
    for command in ["serve", "worker", "migrate", "sandbox", "status", "retry", "dismiss"] {
        assert!(help.out.lines().any(|line| line.trim_start().starts_with(command)), "{command}: {}", help.out);
    }
    for text in ["Examples:", "PD_API_KEY", "[default: Europe/London]", "Exit codes:"] {
        assert!(help.out.contains(text), "{text}: {}", help.out);
    }
    assert_eq!(help.err, "");
}

#[test]
fn each_command_explains_itself() {
    for (command, text) in [
        ("serve", "--no-worker"),
        ("worker", "--no-migrate"),
        ("migrate", "hermes migrate --down 1"),
        ("sandbox", "--error-rate <RATE>"),
        ("status", "--json"),
        ("retry", "<--company <ID>|--event <ID>|--all>"),
        ("dismiss", "--event <ID>"),
    ] {
        let help = Hermes::new().run(&[command, "--help"]);
        assert_eq!(help.code, Some(0), "{command}");
        assert!(help.out.contains(text), "{command}: {}", help.out);
    }
}

#[test]
fn the_version_is_the_packages() {
    let version = Hermes::new().run(&["--version"]);
    assert_eq!((version.code, version.out), (Some(0), format!("hermes {}\n", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn completions_that_nobody_reads_to_the_end_are_no_failure() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let ended = Hermes::new().run_unread(&["completions", shell]);
        assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{shell}");
    }
}

#[test]
fn a_wrong_command_line_ends_with_2_and_tells_what_is_right() {
    for (arguments, text) in [
        (&[][..], "Usage: hermes <COMMAND>"),
        (&["fly"], "unrecognized subcommand 'fly'"),
        (&["retry"], "<--company <ID>|--event <ID>|--all>"),
        (&["sandbox", "--error-rate", "2"], "expected a number from 0 to 1"),
    ] {
        let refused = Hermes::new().run(arguments);
        assert_eq!((refused.code, refused.out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(refused.err.contains(text), "{arguments:?}: {}", refused.err);
    }
}
