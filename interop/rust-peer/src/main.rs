//! A domus of the crate aurelia, driven over stdin and stdout for the interoperation tests.
//!
//! One command per line: `{"id":1,"do":"open",...}`; one line per reply, `{"re":1,"ok":{...}}` or
//! `{"re":1,"error":{"id":20,"text":"..."}}`, and per event, `{"event":"received",...}`. interop/rust-peer.ts is the
//! other end and lists every command with its fields. The end of stdin ends the process, however busy it is, so a test
//! that dies leaves nothing behind.

mod blob_orders;
mod blob_reading;
mod blob_sending;
mod calling;
mod command;
mod inbox;
mod json;
mod message;
mod outbox;
mod output;
mod peer;
mod procedure_message;
mod seeded_bytes;
mod settings;
mod sums;

use std::io::BufRead;

use tokio::runtime::Builder;
use tokio::sync::mpsc::{unbounded_channel, UnboundedSender};
use tokio::task::LocalSet;

use command::Command;
use json::object;
use output::emit;
use peer::Peer;

fn main() {
    let (lines, mut commands) = unbounded_channel();
    std::thread::spawn(move || read_lines(lines));
    let runtime = Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime without sockets can always be built");
    emit(object([("event", "ready".into())]));
    LocalSet::new().block_on(&runtime, async {
        let mut peer = Peer::default();
        while let Some(line) = commands.recv().await {
            match Command::parse(&line) {
                Ok(command) => peer.obey(command).await,
                Err(text) => emit(object([("event", "bad-command".into()), ("text", text.into())])),
            }
        }
    });
    // Not a return: that would wait for nothing here, but the crate's own threads may still be at work.
    std::process::exit(0);
}

/// stdin has no asynchronous reader in the features that we ask of tokio, and one thread is simpler anyway.
fn read_lines(lines: UnboundedSender<String>) {
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { break };
        if lines.send(line).is_err() {
            break;
        }
    }
}
