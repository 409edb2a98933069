use super::*;
use crate::tree::tests::planted;

/// Answers every request with a status, as a server of one line would.
const ANSWERS: &str = "import os, http.server as h\n\
    class H(h.BaseHTTPRequestHandler):\n\
    \x20 def do_GET(self):\n\
    \x20   self.send_response(200)\n\
    \x20   self.end_headers()\n\
    a, p = os.environ['SPORTS_EDGE_LISTEN'].split(':')\n\
    h.HTTPServer((a, int(p)), H).serve_forever()\n";

fn run_readme(readme: &str, makefile: &str) -> anyhow::Result<()> {
    let (_folder, tree) = planted(&[
        ("README.md", readme),
        ("Makefile", makefile),
        ("answers.py", ANSWERS),
    ]);
    rerun(&tree, None)
}

#[test]
fn a_readme_that_is_true_passes() {
    let readme = "```sh\nmake run\n```\n```sh\ntest -L target\nmake ask A=127.0.0.1:8080\n```\n\
        ```sh\nmake run # again\n```\n";
    let makefile =
        "run:\n\t@exec python3 answers.py\nask:\n\t@test \"$(A)\" = \"$(SPORTS_EDGE_LISTEN)\"\n";
    run_readme(readme, makefile).unwrap();
}

#[test]
fn a_program_that_is_there_is_taken() {
    let readme = "```sh\nmake run\n```\n```sh\n./target/release/sports-edge yes\n```\n";
    let makefile = "run:\n\t@test \"$(PROGRAM)\" -ef target/release/sports-edge\n\
        \t@exec python3 answers.py\n";
    let (_folder, tree) = planted(&[
        ("README.md", readme),
        ("Makefile", makefile),
        ("answers.py", ANSWERS),
    ]);
    rerun(&tree, Some(Path::new("/usr/bin/test"))).unwrap();
    let error = rerun(&tree, Some(Path::new("/nowhere/program"))).unwrap_err();
    assert!(error.to_string().contains("/nowhere/program"), "{error:#}");
}

#[test]
fn a_command_that_fails_is_named() {
    let readme = "```sh\nfalse\n```\n```sh\nmake run\n```\n";
    let error = run_readme(readme, "run:\n").unwrap_err().to_string();
    assert!(
        error.contains("this ended with exit status: 1:\nfalse"),
        "{error}"
    );
}

#[test]
fn a_server_that_ends_is_not_waited_for() {
    let error = run_readme("```sh\nmake run\n```\n", "run:\n\t@exit 3\n").unwrap_err();
    assert!(
        format!("{error:#}").contains("`make run` did not come up: it ended"),
        "{error:#}"
    );
}

#[test]
fn a_readme_that_hides_make_run_is_refused() {
    let error = run_readme("```sh\nls\n```\n", "run:\n")
        .unwrap_err()
        .to_string();
    assert_eq!(error, "README.md does not show `make run`");
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    let place = Place {
        folder: std::env::temp_dir(),
        data: std::env::temp_dir(),
        address: free_address().unwrap(),
        program: None,
    };
    let error = place
        .start("sleep 60", Duration::from_millis(300))
        .unwrap_err();
    assert!(format!("{error:#}").contains("was not ready"), "{error:#}");
}

#[test]
fn settings_of_this_build_do_not_leak() {
    assert!(is_of_this_build("RUSTC_WRAPPER"));
    assert!(is_of_this_build("RUSTC_WORKSPACE_WRAPPER"));
    assert!(is_of_this_build("SPORTS_EDGE_DATA_DIR"));
    assert!(is_of_this_build("PROGRAM"));
    assert!(!is_of_this_build("PATH"));
}
