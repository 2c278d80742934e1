//! The lines to the driver: replies to its commands, and events.

use std::io::Write;

use aurelia::DomusReportingEvent;
use tokio::sync::broadcast::{error::RecvError, Receiver};

use crate::command::Failure;
use crate::json::{object, Value};

/// Writes one line. A driver that is gone needs no line: its end closes our stdin, which ends the process.
pub fn emit(value: Value) {
    let _ = writeln!(std::io::stdout().lock(), "{value}");
}

/// Answers the command `id`.
pub fn reply(id: u64, outcome: Result<Value, Failure>) {
    emit(match outcome {
        Ok(value) => object([("re", id.into()), ("ok", value)]),
        Err(failure) => object([("re", id.into()), ("error", failure.describe())]),
    });
}

/// Passes the crate's reporting events on until its domus is gone.
pub async fn forward(mut events: Receiver<DomusReportingEvent>) {
    loop {
        match events.recv().await {
            Ok(event) => emit(describe(&event)),
            Err(RecvError::Lagged(count)) => emit(object([("event", "events-lost".into()), ("count", count.into())])),
            Err(RecvError::Closed) => return,
        }
    }
}

fn describe(event: &DomusReportingEvent) -> Value {
    use DomusReportingEvent as Event;
    let (name, peer, detail) = match event {
        Event::PeerConnectedEvent {
            peer, fresh_session, ..
        } => ("peer-connected", Some(peer), ("freshSession", (*fresh_session).into())),
        Event::PeerDisconnectedEvent { peer, reason, .. } => {
            ("peer-disconnected", Some(peer), ("reason", (*reason).into()))
        }
        Event::PeerDialFailedEvent { peer, error_id, .. } => (
            "peer-dial-failed",
            Some(peer),
            ("error", u64::from(error_id.as_u32()).into()),
        ),
        Event::PrimaryCallisConnectedEvent { peer, callis_id, .. } => {
            ("primary-callis-connected", Some(peer), ("callis", (*callis_id).into()))
        }
        Event::PrimaryCallisDisconnectedEvent { peer, reason, .. } => {
            ("primary-callis-disconnected", Some(peer), ("reason", (*reason).into()))
        }
        Event::BlobCallisConnectedEvent { peer, callis_id, .. } => {
            ("blob-callis-connected", Some(peer), ("callis", (*callis_id).into()))
        }
        Event::BlobCallisDisconnectedEvent { peer, reason, .. } => {
            ("blob-callis-disconnected", Some(peer), ("reason", (*reason).into()))
        }
        Event::PeerSessionRestartedEvent { peer, reason, .. } => {
            ("peer-session-restarted", Some(peer), ("reason", (*reason).into()))
        }
        Event::BackpressureTriggeredEvent { peer, taberna_id, .. } => (
            "backpressure-triggered",
            Some(peer),
            ("taberna", taberna_id.to_string().into()),
        ),
        Event::OutboundQueueOverrunEvent { peer, tier, .. } => {
            ("outbound-queue-overrun", Some(peer), ("tier", (*tier).into()))
        }
        Event::ConfigReloadedEvent { .. } => ("config-reloaded", None, NOTHING),
        Event::AuthReloadedEvent { .. } => ("auth-reloaded", None, NOTHING),
        Event::ShutdownStartedEvent { .. } => ("shutdown-started", None, NOTHING),
        Event::ShutdownCompleteEvent { .. } => ("shutdown-complete", None, NOTHING),
    };
    let mut value = object([("event", name.into())]);
    if let Some(peer) = peer {
        value.push("peer", peer.to_string().into());
    }
    if detail.1 != Value::Null {
        value.push(detail.0, detail.1);
    }
    value
}

const NOTHING: (&str, Value) = ("", Value::Null);
