//! A command of the driver: one line of JSON with `id`, `do` and its own fields.

use crate::json::{object, Value};

/// What a command can fail with: the number of an aurelia error id (0 for a mistake of the driver) and a text.
#[derive(Debug)]
pub struct Failure {
    pub id: u32,
    pub text: String,
}

impl Failure {
    pub fn describe(self) -> Value {
        object([("id", u64::from(self.id).into()), ("text", self.text.into())])
    }
}

impl From<aurelia::AureliaError> for Failure {
    fn from(error: aurelia::AureliaError) -> Self {
        Failure {
            id: error.kind.as_u32(),
            text: error.to_string(),
        }
    }
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Failure { id: 0, text }
    }
}

pub struct Command {
    pub id: u64,
    pub verb: String,
    fields: Value,
}

impl Command {
    pub fn parse(line: &str) -> Result<Command, String> {
        let mut command = Command {
            id: 0,
            verb: String::new(),
            fields: Value::parse(line)?,
        };
        command.id = command.count("id")?;
        command.verb = command.text("do")?.to_owned();
        Ok(command)
    }

    pub fn field(&self, name: &str) -> Option<&Value> {
        self.fields.get(name)
    }

    pub fn text(&self, name: &str) -> Result<&str, String> {
        match self.fields.get(name) {
            Some(Value::Text(text)) => Ok(text),
            _ => Err(format!("{name} must be a text")),
        }
    }

    pub fn flag(&self, name: &str) -> bool {
        self.fields.get(name) == Some(&Value::Bool(true))
    }

    /// A whole number that JSON holds exactly.
    pub fn count(&self, name: &str) -> Result<u64, String> {
        whole(name, self.fields.get(name))
    }

    /// The same with a default for an absent field.
    pub fn count_or(&self, name: &str, default: u64) -> Result<u64, String> {
        match self.fields.get(name) {
            None => Ok(default),
            given => whole(name, given),
        }
    }

    /// A taberna id: a u64 as decimal text.
    pub fn taberna(&self) -> Result<u64, String> {
        let text = self.text("taberna")?;
        text.parse()
            .map_err(|_| format!("taberna must be a u64 as text, got {text}"))
    }

    /// Bytes as hex digits, if the field is there.
    pub fn bytes(&self, name: &str) -> Result<Option<Vec<u8>>, String> {
        if self.fields.get(name).is_none() {
            return Ok(None);
        }
        let digits = self.text(name)?.as_bytes();
        let pairs = digits.chunks(2).map(|pair| {
            let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2);
            pair.and_then(|pair| u8::from_str_radix(pair, 16).ok())
        });
        let bytes: Option<Vec<u8>> = pairs.collect();
        bytes.map(Some).ok_or_else(|| format!("{name} must be hex digits"))
    }
}

/// Reads a whole number from a field of any object.
pub fn whole(name: &str, value: Option<&Value>) -> Result<u64, String> {
    match value {
        Some(Value::Number(number)) if number.fract() == 0.0 && (0.0..=9e15).contains(number) => Ok(*number as u64),
        _ => Err(format!("{name} must be a whole number")),
    }
}
