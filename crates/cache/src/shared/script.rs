//! The steps that the server does in one go, as scripts, and how their answers are read.

use redis::{Cmd, Value};
use sha1_smol::Sha1;

use super::types::SharedError;

/// What every script may call.
const SEAL: &str = include_str!("script/seal.lua");

/// How many hexadecimal digits of SHA-1 an answer ends in.
const CHECK: usize = 8;

/// One script, and the hash under which the server keeps it.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) name: &'static str,
    source: String,
    hash: String,
}

impl Script {
    fn new(name: &'static str, source: &str) -> Self {
        let source = format!("{SEAL}{source}");
        let hash = Sha1::from(&source).digest().to_string();
        Self { name, source, hash }
    }

    /// The command that runs it by its hash.
    pub(crate) fn call(&self, keys: &[&[u8]], question: u64) -> Cmd {
        command("EVALSHA", &self.hash, keys, question)
    }

    /// The command that makes the server keep it.
    pub(crate) fn load(&self) -> Cmd {
        let mut cmd = redis::cmd("SCRIPT");
        cmd.arg("LOAD").arg(&self.source);
        cmd
    }
}

fn command(verb: &str, script: &str, keys: &[&[u8]], question: u64) -> Cmd {
    let mut cmd = redis::cmd(verb);
    cmd.arg(script).arg(keys.len());
    for key in keys {
        cmd.arg(*key);
    }
    cmd.arg(question);
    cmd
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Scripts {
    pub(crate) join: Script,
    pub(crate) tick: Script,
    pub(crate) acknowledge: Script,
    pub(crate) invalidate: Script,
    pub(crate) members: Script,
    pub(crate) fresh: Script,
    pub(crate) begin: Script,
    pub(crate) put: Script,
    pub(crate) lease: Script,
    pub(crate) limit: Script,
    pub(crate) claim: Script,
    pub(crate) settle: Script,
}

impl Scripts {
    pub(crate) fn new() -> Self {
        let script = Script::new;
        Self {
            join: script("join", include_str!("script/join.lua")),
            tick: script("tick", include_str!("script/tick.lua")),
            acknowledge: script("acknowledge", include_str!("script/acknowledge.lua")),
            invalidate: script("invalidate", include_str!("script/invalidate.lua")),
            members: script("members", include_str!("script/members.lua")),
            fresh: script("fresh", include_str!("script/fresh.lua")),
            begin: script("begin", include_str!("script/begin.lua")),
            put: script("put", include_str!("script/put.lua")),
            lease: script("lease", include_str!("script/lease.lua")),
            limit: script("limit", include_str!("script/limit.lua")),
            claim: script("claim", include_str!("script/claim.lua")),
            settle: script("settle", include_str!("script/settle.lua")),
        }
    }

    pub(crate) fn all(&self) -> [&Script; 12] {
        [
            &self.join,
            &self.tick,
            &self.acknowledge,
            &self.invalidate,
            &self.members,
            &self.fresh,
            &self.begin,
            &self.put,
            &self.lease,
            &self.limit,
            &self.claim,
            &self.settle,
        ]
    }
}

/// A script's answer: fields, and bytes beside them where the script sends some.
#[derive(Debug)]
pub(crate) struct Answer {
    fields: Vec<String>,
    pub(crate) bytes: Option<Vec<u8>>,
    script: &'static str,
}

impl Answer {
    /// Reads the answer to `question`; anything else is garbage.
    pub(crate) fn read(script: &Script, question: u64, value: Value) -> Result<Self, SharedError> {
        let garbled = || SharedError::Garbled(script.name);
        let (sealed, bytes) = match value {
            Value::BulkString(sealed) => (sealed, None),
            Value::Array(mut parts) if parts.len() <= 2 => {
                let bytes = match (parts.len() == 2).then(|| parts.pop()).flatten() {
                    Some(Value::BulkString(bytes)) => Some(bytes),
                    Some(_) => return Err(garbled()),
                    None => None,
                };
                match parts.pop() {
                    Some(Value::BulkString(sealed)) => (sealed, bytes),
                    _ => return Err(garbled()),
                }
            }
            _ => return Err(garbled()),
        };
        let fields = unseal(&sealed).ok_or_else(garbled)?;
        let mut fields = fields.into_iter();
        if fields.next().and_then(|it| it.parse().ok()) != Some(question) {
            return Err(garbled());
        }
        Ok(Self {
            fields: fields.collect(),
            bytes,
            script: script.name,
        })
    }

    /// What it says came of it; the first field.
    pub(crate) fn verdict(&self) -> &str {
        self.fields.first().map_or("", String::as_str)
    }

    /// The field at `at`, counted from the verdict.
    pub(crate) fn text(&self, at: usize) -> Result<&str, SharedError> {
        let field = self.fields.get(at).map(String::as_str);
        field.ok_or_else(|| self.garbled())
    }

    /// The field at `at` as a whole number.
    pub(crate) fn number(&self, at: usize) -> Result<u64, SharedError> {
        self.text(at)?.parse().map_err(|_| self.garbled())
    }

    /// The field at `at` as a whole number, where it is not empty.
    pub(crate) fn optional(&self, at: usize) -> Result<Option<u64>, SharedError> {
        match self.text(at)? {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| self.garbled()),
        }
    }

    pub(crate) fn garbled(&self) -> SharedError {
        SharedError::Garbled(self.script)
    }
}

/// The fields of a sealed text, where the check at its end fits.
pub(crate) fn unseal(sealed: &[u8]) -> Option<Vec<String>> {
    let text = std::str::from_utf8(sealed).ok()?;
    let (body, check) = text.rsplit_once('|')?;
    let whole = check.len() == CHECK && Sha1::from(body).digest().to_string().starts_with(check);
    whole.then(|| body.split('|').map(str::to_owned).collect())
}
