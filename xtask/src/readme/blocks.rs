//! The commands of a Markdown document.

/// Something the document tells its reader to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Commands of one shell that end by themselves.
    Run(String),
    /// A command that serves until it is told to stop.
    Serve(String),
}

/// What the `sh` blocks of a document ask for, in order.
pub(super) fn steps(markdown: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    for block in blocks(markdown) {
        let mut pending = String::new();
        for line in block.lines() {
            let command = line.split(" #").next().unwrap_or(line).trim();
            if serves(command) {
                flush(&mut pending, &mut steps);
                steps.push(Step::Serve(command.to_owned()));
            } else if command != "make test" {
                pending.push_str(line);
                pending.push('\n');
            }
        }
        flush(&mut pending, &mut steps);
    }
    steps
}

fn serves(command: &str) -> bool {
    let words: Vec<&str> = command.split_whitespace().collect();
    let is = |word: &str| words.contains(&word);
    words.ends_with(&["make", "run"])
        || (is("serve") && words.iter().any(|word| word.ends_with("sports-edge")))
}

fn flush(pending: &mut String, steps: &mut Vec<Step>) {
    if !pending.trim().is_empty() {
        steps.push(Step::Run(pending.trim().to_owned()));
    }
    pending.clear();
}

/// Texts of the fenced blocks in the language `sh`.
fn blocks(markdown: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut open: Option<String> = None;
    for line in markdown.lines() {
        match (&mut open, line.trim_end()) {
            (None, "```sh") => open = Some(String::new()),
            (Some(_), "```") => blocks.extend(open.take()),
            (Some(block), line) => {
                block.push_str(line);
                block.push('\n');
            }
            (None, _) => {}
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str) -> Step {
        Step::Run(text.to_owned())
    }

    fn serve(text: &str) -> Step {
        Step::Serve(text.to_owned())
    }

    #[test]
    fn a_block_is_one_shell() {
        let text = "# A\n```sh\nKEY=1\necho $KEY\n```\nwords\n```sh\nls\n```\n";
        assert_eq!(steps(text), [run("KEY=1\necho $KEY"), run("ls")]);
    }

    #[test]
    fn other_languages_are_not_run() {
        assert!(steps("```json\n{}\n```\n```\nplain\n```\n").is_empty());
    }

    #[test]
    fn what_serves_stands_apart() {
        let text =
            "```sh\nmake run\n```\n```sh\nls\n./target/release/sports-edge serve --x 1\n```\n";
        let expected = [
            serve("make run"),
            run("ls"),
            serve("./target/release/sports-edge serve --x 1"),
        ];
        assert_eq!(steps(text), expected);
    }

    #[test]
    fn settings_may_stand_before_make_run() {
        assert_eq!(
            steps("```sh\nSPORTS_EDGE_LISTEN=127.0.0.1:9000 make run # elsewhere\n```\n"),
            [serve("SPORTS_EDGE_LISTEN=127.0.0.1:9000 make run")]
        );
    }

    #[test]
    fn the_command_that_runs_this_is_left_out() {
        assert!(steps("```sh\nmake test   # all of it\n```\n").is_empty());
    }
}
