//! The configuration of the domus: the crate's defaults, overridden field by field.
//!
//! Names and units are those of docs/protocol/config.md (durations in milliseconds). As there, a default that would
//! break a relation with a given value is lowered to fit.

use std::time::Duration;

use aurelia::{BlobWindowConfig, DomusConfig};

use crate::command::whole;
use crate::json::Value;

pub fn config_from(overrides: Option<&Value>) -> Result<DomusConfig, String> {
    let mut config = DomusConfig::default();
    let Some(overrides) = overrides else {
        return Ok(config);
    };
    let Value::Object(fields) = overrides else {
        return Err("config must be an object".to_owned());
    };
    for (name, value) in fields {
        set(&mut config, name, value)?;
    }
    if overrides.get("callisConnectTimeout").is_none() {
        config.callis_connect_timeout = config.callis_connect_timeout.min(config.send_timeout);
    }
    if overrides.get("acceptTimeout").is_none() {
        config.accept_timeout = config.accept_timeout.min(config.send_timeout);
    }
    if overrides.get("inboundHandshakeLimitPerPeer").is_none() {
        config.inbound_handshake_limit_per_peer = config
            .inbound_handshake_limit_per_peer
            .min(config.inbound_handshake_limit_total);
    }
    Ok(config)
}

fn set(config: &mut DomusConfig, name: &str, value: &Value) -> Result<(), String> {
    let count = || whole(name, Some(value));
    let size = || count().map(|count| count as usize);
    let duration = || count().map(Duration::from_millis);
    match name {
        "sendQueueSize" => config.send_queue_size = size()?,
        "sendTimeout" => config.send_timeout = duration()?,
        "callisConnectTimeout" => config.callis_connect_timeout = duration()?,
        "acceptTimeout" => config.accept_timeout = duration()?,
        "tabernaAcceptQueueSize" => config.taberna_accept_queue_size = size()?,
        "keepaliveInterval" => config.keepalive_interval = duration()?,
        "listenerDelay" => config.listener_delay = duration()?,
        "listenerReconnectTimeout" => config.listener_reconnect_timeout = duration()?,
        "reconnectBackoff" => config.reconnect_backoff = durations(name, value)?,
        "socketCallbackTimeout" => config.socket_callback_timeout = duration()?,
        "socketHandshakeTimeout" => config.socket_handshake_timeout = duration()?,
        "tcpCallbackTimeout" => config.tcp_callback_timeout = duration()?,
        "tcpHandshakeTimeout" => config.tcp_handshake_timeout = duration()?,
        "limitedLogInterval" => config.limited_log_interval = duration()?,
        "inboundHandshakeLimitTotal" => config.inbound_handshake_limit_total = size()?,
        "inboundHandshakeLimitPerPeer" => config.inbound_handshake_limit_per_peer = size()?,
        "maxParallelCallisPerPeer" => config.max_parallel_callis_per_peer = size()?,
        "blobWindow" => config.blob_window = blob_window(value)?,
        "blobOutboundBufferBytes" => config.blob_outbound_buffer_bytes = count()?,
        "blobInboundBufferBytes" => config.blob_inbound_buffer_bytes = count()?,
        "maxPayloadLen" => config.max_payload_len = size()?,
        _ => return Err(format!("config has no field {name}")),
    }
    Ok(())
}

fn durations(name: &str, value: &Value) -> Result<Vec<Duration>, String> {
    let Value::List(items) = value else {
        return Err(format!("{name} must be a list"));
    };
    let millis = items.iter().map(|item| whole(name, Some(item)));
    millis.map(|millis| millis.map(Duration::from_millis)).collect()
}

fn blob_window(value: &Value) -> Result<BlobWindowConfig, String> {
    let part = |name| whole(name, value.get(name)).map(|count| count as u32);
    Ok(BlobWindowConfig::new(part("chunkSize")?, part("ackWindow")?))
}
