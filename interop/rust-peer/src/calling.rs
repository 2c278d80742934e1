//! Calls that this program makes: one answer, or a stream of outputs that it reads with little credit.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use aurelia::{AureliaError, Domus, ErrorId, SendOptions, SimpleResolver, Taberna};
use bytes::Bytes;
use ciborium::Value as Item;
use tokio::sync::mpsc::{unbounded_channel, UnboundedReceiver, UnboundedSender};

use crate::command::{Command, Failure};
use crate::json::{object, Value};
use crate::message::{Message, RawCodec};
use crate::procedure_message::{item_of, number, payload, Parts, ANSWER, CALL, CANCEL, CREDIT, END, FAILURE, ITEMS};

const LOOK_AGAIN: Duration = Duration::from_secs(3600);
const CODEC: RawCodec = RawCodec { undecodable: false };

/// A call as the driver orders it.
pub struct Order {
    taberna: u64,
    name: String,
    kind: u64,
    input: Item,
    remaining: Option<u64>,
    /// Bytes of outputs that may be on their way; also the size of a helping.
    credit: u64,
    /// Leaves a stream after so many items.
    leave_after: Option<u64>,
}

impl Order {
    pub fn parse(command: &Command) -> Result<Order, String> {
        let count = |name| command.field(name).map(|_| command.count(name)).transpose();
        let input = match (command.field("a"), command.field("b"), command.field("input")) {
            (Some(Value::Number(a)), Some(Value::Number(b)), _) => {
                Item::Map(vec![("a".into(), item_of(*a)), ("b".into(), item_of(*b))])
            }
            (_, _, Some(Value::Number(input))) => item_of(*input),
            (_, _, Some(Value::Text(input))) => Item::Text(input.clone()),
            _ => Item::Null,
        };
        Ok(Order {
            taberna: command.taberna()?,
            name: command.text("name")?.to_owned(),
            kind: command.count_or("kind", 0)?,
            input,
            remaining: count("remaining")?,
            credit: command.count_or("credit", 0)?,
            leave_after: count("leaveAfter")?,
        })
    }
}

type Waiting = Rc<RefCell<HashMap<u64, UnboundedSender<(u32, Parts)>>>>;

/// The calls under way, and the taberna that their answers come to.
#[derive(Clone, Default)]
pub struct Calls {
    reply: u64,
    last: Rc<Cell<u64>>,
    waiting: Waiting,
}

impl Calls {
    pub fn new(reply: u64) -> Calls {
        Calls {
            reply,
            ..Calls::default()
        }
    }

    /// Hands what comes to the calls that it is for.
    pub async fn listen(self, taberna: Taberna<RawCodec>) {
        loop {
            let request = match taberna.next(Some(LOOK_AGAIN)).await {
                Ok(request) => request.into_parts(),
                Err(error) if error.kind == ErrorId::ReceiveTimeout => continue,
                Err(_) => return,
            };
            request.completion.accept();
            let Some(parts) = Parts::of(&request.message.payload) else {
                continue;
            };
            let call = parts.uint(0).and_then(|id| self.waiting.borrow().get(&id).cloned());
            if let Some(call) = call {
                let _ = call.send((request.message.kind, parts));
            }
        }
    }

    /// Makes a call, and tells how it ended.
    pub async fn make(self, domus: Arc<Domus<SimpleResolver>>, order: Order) -> Result<Value, Failure> {
        let id = self.last.get() + 1;
        self.last.set(id);
        let (sender, inbox) = unbounded_channel();
        self.waiting.borrow_mut().insert(id, sender);
        let call = Call { domus, order, id };
        let outcome = call.run(self.reply, inbox).await;
        self.waiting.borrow_mut().remove(&id);
        Ok(outcome?)
    }
}

struct Call {
    domus: Arc<Domus<SimpleResolver>>,
    order: Order,
    id: u64,
}

impl Call {
    async fn run(self, reply: u64, mut inbox: UnboundedReceiver<(u32, Parts)>) -> Result<Value, AureliaError> {
        let is_one_way = self.order.kind == 1;
        self.say(CALL, payload(self.head(reply), Some(self.order.input.clone())))
            .await?;
        if is_one_way {
            return Ok(object([("end", "taken".into())]));
        }
        let (mut items, mut sum, mut owed) = (0u64, 0.0, 0u64);
        while let Some((kind, parts)) = inbox.recv().await {
            match kind {
                ANSWER => {
                    let value = number(parts.item.as_ref()).map_or(Value::Null, Value::from);
                    return Ok(object([("end", "answer".into()), ("value", value)]));
                }
                FAILURE => {
                    let text = |at| Value::from(parts.text(at).unwrap_or_default());
                    return Ok(object([
                        ("end", "failure".into()),
                        ("code", text(1)),
                        ("message", text(2)),
                    ]));
                }
                END => return Ok(streamed("end", items, sum)),
                ITEMS => {
                    let numbers = parts.item.as_ref().and_then(Item::as_array).into_iter().flatten();
                    for each in numbers {
                        items += 1;
                        sum += number(Some(each)).unwrap_or(f64::NAN);
                    }
                    if self.order.leave_after.is_some_and(|most| items >= most) {
                        self.say(CANCEL, payload(vec![self.id.into()], None)).await?;
                        return Ok(streamed("left", items, sum));
                    }
                    owed += parts.cost;
                    if owed * 2 >= self.order.credit {
                        self.say(CREDIT, payload(vec![self.id.into(), owed.into()], None))
                            .await?;
                        owed = 0;
                    }
                }
                _ => {}
            }
        }
        Ok(object([("end", "nothing".into())]))
    }

    fn head(&self, reply: u64) -> Vec<Item> {
        let Order {
            name,
            kind,
            remaining,
            credit,
            ..
        } = &self.order;
        let reply = match kind {
            1 => Item::Null,
            _ => Item::Bytes(reply.to_be_bytes().to_vec()),
        };
        let remaining = remaining.map_or(Item::Null, Item::from);
        vec![
            self.id.into(),
            name.as_str().into(),
            (*kind).into(),
            remaining,
            reply,
            (*credit).into(),
            Item::Null,
        ]
    }

    async fn say(&self, kind: u32, bytes: Bytes) -> Result<(), AureliaError> {
        let message = Message { kind, payload: bytes };
        let options = SendOptions::MESSAGE_ONLY;
        self.domus.send(&CODEC, self.order.taberna, &message, options).await?;
        Ok(())
    }
}

fn streamed(end: &str, items: u64, sum: f64) -> Value {
    object([("end", end.into()), ("items", items.into()), ("sum", sum.into())])
}
