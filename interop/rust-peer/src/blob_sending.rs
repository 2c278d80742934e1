//! Sends one blob of seeded bytes, and reports what became of it.

use std::sync::Arc;
use std::time::Instant;

use aurelia::{a3_message_type, BlobSender, Domus, SendOptions, SendOutcome, SimpleResolver};
use tokio::io::AsyncWriteExt;

use crate::blob_orders::{BlobOrders, Order, Side};
use crate::blob_reading::failure_of;
use crate::command::{Command, Failure};
use crate::json::{object, Value};
use crate::message::{numbered_payload, Message, RawCodec};
use crate::output::emit;
use crate::seeded_bytes::SeededBytes;

/// Bytes of the message that opens a blob.
const MESSAGE_BYTES: usize = 64;

pub struct Blob {
    taberna: u64,
    /// Names the blob, and seeds its content.
    number: u64,
    size: u64,
    /// Bytes of one write.
    piece: usize,
    /// Stops at so many bytes and waits for an order.
    stop_after: Option<u64>,
    orders: BlobOrders,
}

/// Where a blob failed.
struct Broken {
    stage: &'static str,
    failure: Failure,
}

impl Blob {
    pub fn parse(command: &Command, orders: BlobOrders) -> Result<Blob, String> {
        let stop_after = command.field("stopAfterBytes").map(|_| command.count("stopAfterBytes"));
        Ok(Blob {
            taberna: command.taberna()?,
            number: command.count("number")?,
            size: command.count("size")?,
            piece: command.count_or("piece", 64 * 1024)? as usize,
            stop_after: stop_after.transpose()?,
            orders,
        })
    }

    pub async fn send(self, domus: Arc<Domus<SimpleResolver>>) -> Value {
        let begun = Instant::now();
        let mut written = 0;
        let outcome = self.carry(&domus, &mut written).await;
        let elapsed_ms = begun.elapsed().as_secs_f64() * 1000.0;
        let (end, failure) = match outcome {
            Ok(end) => (end, Value::Null),
            Err(broken) => (broken.stage, broken.failure.describe()),
        };
        object([
            ("end", end.into()),
            ("failure", failure),
            ("written", written.into()),
            ("elapsedMs", elapsed_ms.into()),
        ])
    }

    async fn carry(&self, domus: &Domus<SimpleResolver>, written: &mut u64) -> Result<&'static str, Broken> {
        let mut sender = self.open(domus).await?;
        emit(object([
            ("event", "blob-opened".into()),
            ("number", self.number.into()),
        ]));
        let content = SeededBytes::new(self.number as u32);
        let mut stop = self.stop_after;
        loop {
            if stop == Some(*written) {
                stop = None;
                if self.orders.wait(Side::Sending, self.number, *written).await == Order::Drop {
                    return Ok("dropped");
                }
            }
            let left = stop.unwrap_or(self.size).min(self.size) - *written;
            if left == 0 {
                break;
            }
            let piece = content.piece(*written, self.piece.min(left as usize));
            *written += sender.write(piece).await.map_err(|error| broken("writing", &error))? as u64;
        }
        let ended = sender.shutdown().await;
        ended.map_err(|error| broken("ending", &error))?;
        Ok("whole")
    }

    async fn open(&self, domus: &Domus<SimpleResolver>) -> Result<BlobSender, Broken> {
        let message = Message {
            kind: a3_message_type(0),
            payload: numbered_payload(self.number, MESSAGE_BYTES),
        };
        let codec = RawCodec { undecodable: false };
        let outcome = domus.send(&codec, self.taberna, &message, SendOptions::BLOB).await;
        match outcome {
            Ok(SendOutcome::Blob { sender }) => Ok(sender),
            Ok(SendOutcome::MessageOnly) => unreachable!("a blob was asked for"),
            Err(error) => Err(Broken {
                stage: "opening",
                failure: error.into(),
            }),
        }
    }
}

fn broken(stage: &'static str, error: &std::io::Error) -> Broken {
    Broken {
        stage,
        failure: failure_of(error),
    }
}
