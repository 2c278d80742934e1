//! The service `sums/v1`, offered by this program: `add` with one answer, and `count`, a stream of outputs.
//!
//! The crate does not tell who has sent a request, so the driver says where the reply tabernae are.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use aurelia::{Domus, DomusAddr, ErrorId, SendOptions, SimpleResolver, Taberna};
use bytes::Bytes;
use ciborium::Value as Item;
use tokio::sync::Notify;

use crate::json::object;
use crate::message::{Message, RawCodec};
use crate::output::emit;
use crate::procedure_message::{
    field, item_of, length_of, number, payload, Parts, ANSWER, CALL, CANCEL, CREDIT, END, FAILURE, ITEMS,
};

/// `add` refuses sums above this with an error of its own.
const LARGEST_SUM: f64 = 1000.0;
/// Items of one message.
const BATCH: u64 = 100;
const LOOK_AGAIN: Duration = Duration::from_secs(3600);
/// How long an answer waits before it asks for room again.
const ROOM_AGAIN: Duration = Duration::from_millis(2);
const CODEC: RawCodec = RawCodec { undecodable: false };

/// A stream of outputs as its caller lets it run.
struct Stream {
    credit: Cell<i64>,
    is_cancelled: Cell<bool>,
    changed: Notify,
}

/// The service at work.
#[derive(Clone)]
pub struct Sums {
    pub domus: Arc<Domus<SimpleResolver>>,
    pub resolver: Arc<SimpleResolver>,
    /// Where the callers are.
    pub callers: DomusAddr,
}

impl Sums {
    pub async fn serve(self, taberna: Taberna<RawCodec>) {
        let streams = Rc::new(RefCell::new(HashMap::new()));
        loop {
            let request = match taberna.next(Some(LOOK_AGAIN)).await {
                Ok(request) => request.into_parts(),
                Err(error) if error.kind == ErrorId::ReceiveTimeout => continue,
                Err(_) => return,
            };
            let Some(parts) = Parts::of(&request.message.payload) else {
                request.completion.reject();
                continue;
            };
            request.completion.accept();
            match request.message.kind {
                CALL => self.begin(parts, &streams).await,
                CREDIT | CANCEL => change(&parts, request.message.kind == CANCEL, &streams.borrow()),
                _ => {}
            }
        }
    }

    async fn begin(&self, call: Parts, streams: &Rc<RefCell<HashMap<u64, Rc<Stream>>>>) {
        let (Some(id), Some(reply)) = (call.uint(0), call.taberna(4)) else {
            return;
        };
        self.resolver.insert(reply, self.callers.clone()).await;
        let name = call.text(1).unwrap_or_default().to_owned();
        if name == "sums/v1/count" {
            let stream = Rc::new(Stream {
                credit: Cell::new(call.uint(5).unwrap_or(0) as i64),
                is_cancelled: Cell::new(false),
                changed: Notify::new(),
            });
            streams.borrow_mut().insert(id, Rc::clone(&stream));
            let (this, streams) = (self.clone(), Rc::clone(streams));
            let to = number(call.item.as_ref()).unwrap_or(0.0) as u64;
            tokio::task::spawn_local(async move {
                this.count(id, reply, to, &stream).await;
                streams.borrow_mut().remove(&id);
            });
            return;
        }
        let (kind, bytes) = match name.as_str() {
            "sums/v1/add" => add(id, call.item.as_ref()),
            _ => failure(
                id,
                "unknown-procedure",
                "the provider has no procedure of this name",
                None,
            ),
        };
        // The next request is not to wait for the ack of this answer.
        let this = self.clone();
        tokio::task::spawn_local(async move { this.say(reply, kind, bytes).await });
    }

    async fn count(&self, id: u64, reply: u64, to: u64, stream: &Stream) {
        let (mut next, mut sequence) = (0u64, 0u64);
        while next < to && !stream.is_cancelled.get() {
            if stream.credit.get() <= 0 {
                stream.changed.notified().await;
                continue;
            }
            let last = to.min(next + BATCH);
            let items = Item::Array((next..last).map(Item::from).collect());
            stream.credit.set(stream.credit.get() - length_of(&items) as i64);
            let bytes = payload(vec![id.into(), sequence.into()], Some(items));
            if !self.say(reply, ITEMS, bytes).await {
                break;
            }
            (next, sequence) = (last, sequence + 1);
        }
        if next < to || stream.is_cancelled.get() {
            emit(object([("event", "stream-left".into()), ("sent", next.into())]));
        } else {
            self.say(reply, END, payload(vec![id.into(), sequence.into()], None))
                .await;
        }
    }

    /// True when the caller has taken it. The crate refuses what is more than 128 under way: that waits here.
    async fn say(&self, reply: u64, kind: u32, bytes: Bytes) -> bool {
        let message = Message { kind, payload: bytes };
        loop {
            let sent = self
                .domus
                .send(&CODEC, reply, &message, SendOptions::MESSAGE_ONLY)
                .await;
            match sent {
                Err(error) if error.kind == ErrorId::LocalQueueFull => tokio::time::sleep(ROOM_AGAIN).await,
                other => return other.is_ok(),
            }
        }
    }
}

/// Credit, or a cancel, for one of the streams.
fn change(parts: &Parts, is_cancel: bool, streams: &HashMap<u64, Rc<Stream>>) {
    let Some(stream) = parts.uint(0).and_then(|id| streams.get(&id)) else {
        return;
    };
    match is_cancel {
        true => stream.is_cancelled.set(true),
        false => stream
            .credit
            .set(stream.credit.get() + parts.uint(1).unwrap_or(0) as i64),
    }
    stream.changed.notify_one();
}

fn add(id: u64, input: Option<&Item>) -> (u32, Bytes) {
    let (Some(a), Some(b)) = (number(field(input, "a")), number(field(input, "b"))) else {
        return failure(id, "invalid-argument", "a and b must be numbers", None);
    };
    if a + b > LARGEST_SUM {
        let details = Item::Map(vec![("largest".into(), item_of(LARGEST_SUM))]);
        return failure(id, "failed-precondition", "the sum is too large", Some(details));
    }
    (ANSWER, payload(vec![id.into()], Some(item_of(a + b))))
}

fn failure(id: u64, code: &str, message: &str, details: Option<Item>) -> (u32, Bytes) {
    (FAILURE, payload(vec![id.into(), code.into(), message.into()], details))
}
