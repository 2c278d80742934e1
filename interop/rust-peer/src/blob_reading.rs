//! Reads a blob to its end, or as far as the temper of its taberna goes, and tells the driver what it read.

use std::time::Duration;

use aurelia::{BlobReceiver, ErrorId};
use ring::digest::{Context, SHA256};
use tokio::io::AsyncReadExt;

use crate::blob_orders::{BlobOrders, Order, Side};
use crate::command::{whole, Failure};
use crate::json::{hex, object, Value};
use crate::output::emit;

/// How a taberna reads its blobs.
#[derive(Clone, Copy)]
pub enum Temper {
    /// As fast as it can.
    All,
    /// Stops at so many bytes and waits for an order.
    StopAfter(u64),
    /// Drops the receiver at so many bytes.
    DropAfter(u64),
    /// Rests after each piece.
    Slow(Duration),
}

impl Temper {
    pub fn parse(value: Option<&Value>) -> Result<Temper, String> {
        let Some(value) = value else {
            return Ok(Temper::All);
        };
        let field = |name| value.get(name).map(|number| whole(name, Some(number))).transpose();
        if let Some(bytes) = field("stopAfterBytes")? {
            return Ok(Temper::StopAfter(bytes));
        }
        if let Some(bytes) = field("dropAfterBytes")? {
            return Ok(Temper::DropAfter(bytes));
        }
        match field("pauseMs")? {
            Some(millis) => Ok(Temper::Slow(Duration::from_millis(millis))),
            None => Err("reading must name stopAfterBytes, dropAfterBytes or pauseMs".to_owned()),
        }
    }
}

pub struct Reading {
    pub taberna: u64,
    /// The number of the message that opened the blob.
    pub number: u64,
    pub temper: Temper,
    pub orders: BlobOrders,
}

/// Bytes that one read takes at most.
const PIECE_BYTES: usize = 128 * 1024;
/// Bytes read until the driver hears of them.
const PROGRESS_BYTES: u64 = 16 * 1024 * 1024;

impl Reading {
    pub async fn run(self, mut receiver: BlobReceiver) {
        let mut digest = Context::new(&SHA256);
        let mut piece = vec![0; PIECE_BYTES];
        let mut bytes = 0;
        let mut limit = match self.temper {
            Temper::StopAfter(limit) | Temper::DropAfter(limit) => limit,
            Temper::All | Temper::Slow(_) => u64::MAX,
        };
        let outcome = loop {
            if bytes == limit {
                if self.is_to_drop(bytes).await {
                    break Ok("dropped");
                }
                limit = u64::MAX;
            }
            let most = PIECE_BYTES.min((limit - bytes) as usize);
            match receiver.read(&mut piece[..most]).await {
                Ok(0) => break Ok("whole"),
                Ok(count) => {
                    digest.update(&piece[..count]);
                    bytes += count as u64;
                    if bytes / PROGRESS_BYTES > (bytes - count as u64) / PROGRESS_BYTES {
                        self.tell_progress(bytes);
                    }
                }
                Err(error) => break Err(failure_of(&error)),
            }
            if let Temper::Slow(pause) = self.temper {
                tokio::time::sleep(pause).await;
            }
        };
        drop(receiver);
        self.tell(bytes, &hex(digest.finish().as_ref()), outcome);
    }

    async fn is_to_drop(&self, bytes: u64) -> bool {
        matches!(self.temper, Temper::DropAfter(_))
            || self.orders.wait(Side::Reading, self.number, bytes).await == Order::Drop
    }

    fn tell_progress(&self, bytes: u64) {
        emit(object([
            ("event", "blob-progress".into()),
            ("number", self.number.into()),
            ("bytes", bytes.into()),
        ]));
    }

    fn tell(&self, bytes: u64, sha256: &str, outcome: Result<&str, Failure>) {
        let (end, failure) = match outcome {
            Ok(end) => (end, Value::Null),
            Err(failure) => ("failed", failure.describe()),
        };
        emit(object([
            ("event", "blob-read".into()),
            ("taberna", self.taberna.to_string().into()),
            ("number", self.number.into()),
            ("bytes", bytes.into()),
            ("sha256", sha256.into()),
            ("end", end.into()),
            ("failure", failure),
        ]));
    }
}

/// The crate hides its error behind an I/O error, whose text begins with the name of the id.
pub fn failure_of(error: &std::io::Error) -> Failure {
    let text = error.to_string();
    let name = text.split(':').next().unwrap_or_default();
    let id = ErrorId::ALL.iter().find(|id| format!("{id:?}") == name);
    Failure {
        id: id.map_or(0, |id| id.as_u32()),
        text,
    }
}
