//! Orders of the driver to blobs that have stopped: go on, or be dropped.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::oneshot::{channel, Sender};

use crate::json::{object, Value};
use crate::output::emit;

#[derive(Clone, Copy, PartialEq)]
pub enum Order {
    GoOn,
    Drop,
}

/// Which end of a blob is in this program.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub enum Side {
    Sending,
    Reading,
}

impl Side {
    pub fn name(self) -> &'static str {
        match self {
            Side::Sending => "sending",
            Side::Reading => "reading",
        }
    }
}

/// The blobs that have stopped, by their side and the number of their message.
#[derive(Clone, Default)]
pub struct BlobOrders {
    stopped: Arc<Mutex<HashMap<(Side, u64), Sender<Order>>>>,
}

impl BlobOrders {
    /// Tells the driver that a blob has stopped, and waits for what it orders. It is dropped with its domus.
    pub async fn wait(&self, side: Side, number: u64, bytes: u64) -> Order {
        let (sender, receiver) = channel();
        self.stopped.lock().unwrap().insert((side, number), sender);
        emit(object([
            ("event", "blob-stopped".into()),
            ("side", side.name().into()),
            ("number", number.into()),
            ("bytes", bytes.into()),
        ]));
        receiver.await.unwrap_or(Order::Drop)
    }

    pub fn give(&self, side: &str, number: u64, order: &str) -> Result<Value, String> {
        let side = match side {
            "sending" => Side::Sending,
            "reading" => Side::Reading,
            other => return Err(format!("unknown side {other}")),
        };
        let order = match order {
            "go-on" => Order::GoOn,
            "drop" => Order::Drop,
            other => return Err(format!("unknown order {other}")),
        };
        let waiting = self.stopped.lock().unwrap().remove(&(side, number));
        let sender = waiting.ok_or_else(|| format!("blob {number} has not stopped {}", side.name()))?;
        sender.send(order).map_err(|_| format!("blob {number} is gone"))?;
        Ok(object([]))
    }
}
