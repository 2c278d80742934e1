//! A registered taberna: what it does with each request, and the count of what came.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aurelia::{ErrorId, Taberna, TabernaCompletion};

use crate::blob_orders::BlobOrders;
use crate::blob_reading::{Reading, Temper};
use crate::json::{hex, object, Value};
use crate::message::{is_intact, sequence_of, Message, RawCodec};
use crate::output::emit;

/// What a taberna does with a request.
#[derive(Clone, Copy, PartialEq)]
pub enum Mode {
    Accept,
    Reject,
    /// Takes requests and keeps them undecided until the driver decides.
    Hold,
    /// Accepts one request after the other, each after this time.
    Slow(Duration),
    /// The codec refuses every message.
    Undecodable,
    /// Requests wait in the ingress and nobody takes them.
    Untaken,
}

/// Requests that `Hold` tabernae took, by the number that was told to the driver.
#[derive(Default)]
pub struct Held {
    last: u64,
    waiting: HashMap<u64, TabernaCompletion>,
}

impl Held {
    pub fn take(&mut self, number: u64) -> Option<TabernaCompletion> {
        self.waiting.remove(&number)
    }

    fn keep(&mut self, completion: TabernaCompletion) -> u64 {
        self.last += 1;
        self.waiting.insert(self.last, completion);
        self.last
    }
}

/// What has come to one taberna so far. Only payloads with a number count in the lower four.
#[derive(Default)]
pub struct Tally {
    received: u64,
    bytes: u64,
    seen: HashSet<u64>,
    newest: Option<u64>,
    repeated: u64,
    disordered: u64,
    damaged: u64,
}

impl Tally {
    fn count(&mut self, payload: &[u8]) {
        self.received += 1;
        self.bytes += payload.len() as u64;
        let Some(sequence) = sequence_of(payload) else {
            return;
        };
        self.repeated += u64::from(!self.seen.insert(sequence));
        self.disordered += u64::from(self.newest.is_some_and(|newest| sequence <= newest));
        self.newest = self.newest.max(Some(sequence));
        self.damaged += u64::from(!is_intact(sequence, payload));
    }

    pub fn report(&self) -> Value {
        object([
            ("received", self.received.into()),
            ("bytes", self.bytes.into()),
            ("distinct", (self.seen.len() as u64).into()),
            ("repeated", self.repeated.into()),
            ("disordered", self.disordered.into()),
            ("damaged", self.damaged.into()),
        ])
    }
}

/// One taberna at work. It ends when its domus closes, or when the task that runs it is aborted.
pub struct Inbox {
    pub id: u64,
    pub mode: Mode,
    /// How it reads blobs.
    pub temper: Temper,
    pub orders: BlobOrders,
    /// No line per message: the tally tells enough.
    pub quiet: bool,
    pub tally: Arc<Mutex<Tally>>,
    pub held: Arc<Mutex<Held>>,
}

/// `next` wants a limit; this one only makes it look again.
const LOOK_AGAIN: Duration = Duration::from_secs(3600);

impl Inbox {
    pub async fn serve(self, taberna: Taberna<RawCodec>) {
        if self.mode == Mode::Untaken {
            std::future::pending::<()>().await;
        }
        loop {
            let request = match taberna.next(Some(LOOK_AGAIN)).await {
                Ok(request) => request.into_parts(),
                Err(error) if error.kind == ErrorId::ReceiveTimeout => continue,
                Err(_) => return,
            };
            self.tally.lock().unwrap().count(&request.message.payload);
            self.decide(&request.message, request.completion).await;
            if let (Some(receiver), true) = (request.blob_receiver, self.mode != Mode::Reject) {
                let reading = Reading {
                    taberna: self.id,
                    number: sequence_of(&request.message.payload).unwrap_or_default(),
                    temper: self.temper,
                    orders: self.orders.clone(),
                };
                tokio::task::spawn_local(reading.run(receiver));
            }
        }
    }

    async fn decide(&self, message: &Message, completion: TabernaCompletion) {
        match self.mode {
            Mode::Hold => {
                let number = self.held.lock().unwrap().keep(completion);
                self.tell(message, Some(number));
                return;
            }
            Mode::Reject => completion.reject(),
            Mode::Slow(delay) => {
                tokio::time::sleep(delay).await;
                completion.accept();
            }
            Mode::Accept | Mode::Undecodable | Mode::Untaken => completion.accept(),
        }
        self.tell(message, None);
    }

    fn tell(&self, message: &Message, held: Option<u64>) {
        if self.quiet {
            return;
        }
        let sequence = sequence_of(&message.payload);
        emit(object([
            ("event", "received".into()),
            ("taberna", self.id.to_string().into()),
            ("type", u64::from(message.kind).into()),
            (
                "sequence",
                sequence.map_or(Value::Null, |number| number.to_string().into()),
            ),
            ("payload", hex(&message.payload).into()),
            ("held", held.map_or(Value::Null, Value::from)),
        ]));
    }
}
