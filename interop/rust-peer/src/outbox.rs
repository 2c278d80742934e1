//! A run of sends: so many messages, so many of them under way at once, and what became of them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use aurelia::{a3_message_type, AureliaError, Domus, SendOptions, SimpleResolver};
use bytes::Bytes;
use tokio::task::JoinSet;

use crate::command::Command;
use crate::json::{object, Value};
use crate::message::{numbered_payload, Message, RawCodec};

/// The most failures that a report lists one by one; all are counted.
const LISTED_FAILURES: usize = 1000;

pub struct Run {
    taberna: u64,
    kind: u32,
    /// The sequence number of the first message.
    first: u64,
    count: u64,
    depth: u64,
    size: usize,
    /// The same bytes for every message, in place of numbered payloads.
    payload: Option<Bytes>,
}

impl Run {
    pub fn parse(command: &Command) -> Result<Run, String> {
        let kind = command.count_or("type", u64::from(a3_message_type(0)))?;
        Ok(Run {
            taberna: command.taberna()?,
            kind: u32::try_from(kind).map_err(|_| "type must be a u32".to_owned())?,
            first: command.count_or("first", 0)?,
            count: command.count_or("count", 1)?,
            depth: command.count_or("depth", 1)?,
            size: command.count_or("size", 64)? as usize,
            payload: command.bytes("payload")?.map(Bytes::from),
        })
    }

    fn message(&self, sequence: u64) -> Message {
        let payload = self.payload.clone();
        Message {
            kind: self.kind,
            payload: payload.unwrap_or_else(|| numbered_payload(sequence, self.size)),
        }
    }
}

#[derive(Default)]
struct Progress {
    started: u64,
    accepted: u64,
    by_error: BTreeMap<u32, u64>,
    failures: Vec<Value>,
    micros: Vec<u64>,
}

/// Runs on one thread (a local set), where `depth` senders take the next number in turn.
pub async fn send_all(domus: Arc<Domus<SimpleResolver>>, run: Run) -> Value {
    let run = Rc::new(run);
    let progress = Rc::new(RefCell::new(Progress::default()));
    let started = Instant::now();
    let mut senders = JoinSet::new();
    for _ in 0..run.depth.min(run.count) {
        senders.spawn_local(send_some(Arc::clone(&domus), Rc::clone(&run), Rc::clone(&progress)));
    }
    while senders.join_next().await.is_some() {}
    let elapsed = started.elapsed();
    let mut progress = progress.borrow_mut();
    report(&mut progress, elapsed.as_secs_f64() * 1000.0)
}

async fn send_some(domus: Arc<Domus<SimpleResolver>>, run: Rc<Run>, progress: Rc<RefCell<Progress>>) {
    let codec = RawCodec { undecodable: false };
    loop {
        let index = progress.borrow().started;
        if index == run.count {
            return;
        }
        progress.borrow_mut().started += 1;
        let sequence = run.first + index;
        let message = run.message(sequence);
        let begun = Instant::now();
        let outcome = domus
            .send(&codec, run.taberna, &message, SendOptions::MESSAGE_ONLY)
            .await;
        let mut progress = progress.borrow_mut();
        progress.micros.push(begun.elapsed().as_micros() as u64);
        match outcome {
            Ok(_) => progress.accepted += 1,
            Err(error) => progress.fail(sequence, &error),
        }
    }
}

impl Progress {
    fn fail(&mut self, sequence: u64, error: &AureliaError) {
        let id = error.kind.as_u32();
        *self.by_error.entry(id).or_default() += 1;
        if self.failures.len() < LISTED_FAILURES {
            self.failures.push(object([
                ("sequence", sequence.into()),
                ("id", u64::from(id).into()),
                ("text", error.to_string().into()),
            ]));
        }
    }
}

fn report(progress: &mut Progress, elapsed_ms: f64) -> Value {
    progress.micros.sort_unstable();
    let at = |share: f64| {
        let last = progress.micros.len().saturating_sub(1);
        progress
            .micros
            .get((last as f64 * share) as usize)
            .copied()
            .unwrap_or(0)
    };
    let by_error = progress
        .by_error
        .iter()
        .map(|(id, count)| (id.to_string(), (*count).into()));
    object([
        ("accepted", progress.accepted.into()),
        ("byError", Value::Object(by_error.collect())),
        ("failures", Value::List(progress.failures.clone())),
        ("elapsedMs", elapsed_ms.into()),
        ("medianMicros", at(0.5).into()),
        ("maxMicros", at(1.0).into()),
    ])
}
