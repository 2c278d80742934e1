//! The peer: at most one domus at a time, its tabernae and routes, and what the driver can tell it to do.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use aurelia::{Aurelia, Domus, DomusAddr, DomusMetrics, Pkcs8AuthConfig, Pkcs8PemConfig, SimpleResolver};
use tokio::task::AbortHandle;

use crate::blob_orders::BlobOrders;
use crate::blob_reading::Temper;
use crate::blob_sending::Blob;
use crate::calling::{Calls, Order};
use crate::command::{Command, Failure};
use crate::inbox::{Held, Inbox, Mode, Tally};
use crate::json::{object, Value};
use crate::message::RawCodec;
use crate::outbox::{send_all, Run};
use crate::output::{forward, reply};
use crate::settings::config_from;
use crate::sums::Sums;

#[derive(Default)]
pub struct Peer {
    running: Option<Running>,
}

struct Running {
    domus: Arc<Domus<SimpleResolver>>,
    resolver: Arc<SimpleResolver>,
    inboxes: HashMap<u64, (AbortHandle, Arc<Mutex<Tally>>)>,
    held: Arc<Mutex<Held>>,
    orders: BlobOrders,
    calls: Option<Calls>,
}

impl Peer {
    /// Does one command and answers it. Runs of sends, blobs and the shutdown go on by themselves and answer when they end,
    /// so that the driver can decide held requests meanwhile.
    pub async fn obey(&mut self, command: Command) {
        let outcome = match command.verb.as_str() {
            "open" => self.open(&command).await,
            "reload-auth" => self.reload_auth(&command).await,
            "taberna" => self.register(&command).await,
            "unregister" => self.unregister(&command),
            "route" => self.route(&command).await,
            "serve-sums" => self.serve_sums(&command).await,
            "listen" => self.listen(&command).await,
            "decide" => self.decide(&command),
            "report" => self.report().await,
            "order-blob" => self.order_blob(&command),
            "send-blob" => match self.start_blob(&command) {
                Ok(()) => return,
                Err(failure) => Err(failure),
            },
            "call" => match self.start_call(&command) {
                Ok(()) => return,
                Err(failure) => Err(failure),
            },
            "send" => match self.start_run(&command) {
                Ok(()) => return,
                Err(failure) => Err(failure),
            },
            "shutdown" => match self.start_shutdown(&command) {
                Ok(()) => return,
                Err(failure) => Err(failure),
            },
            verb => Err(Failure::from(format!("unknown command {verb}"))),
        };
        reply(command.id, outcome);
    }

    async fn open(&mut self, command: &Command) -> Result<Value, Failure> {
        if self.running.is_some() {
            return Err(Failure::from("a domus is open already".to_owned()));
        }
        let auth = auth_of(command)?;
        let config = config_from(command.field("config"))?;
        let resolver = Arc::new(SimpleResolver::new());
        let builder = Aurelia::new().domus_builder(config, address(command)?, auth, Arc::clone(&resolver));
        let (domus, feeds) = builder.build_with_reporting().await?;
        tokio::task::spawn_local(forward(feeds.events));
        let address = domus.local_addr().to_string();
        self.running = Some(Running {
            domus: Arc::new(domus),
            resolver,
            inboxes: HashMap::new(),
            held: Arc::default(),
            orders: BlobOrders::default(),
            calls: None,
        });
        Ok(object([("address", address.into())]))
    }

    async fn reload_auth(&mut self, command: &Command) -> Result<Value, Failure> {
        self.running()?.domus.reload_auth(auth_of(command)?).await?;
        Ok(object([]))
    }

    async fn register(&mut self, command: &Command) -> Result<Value, Failure> {
        let running = self.running()?;
        let inbox = Inbox {
            id: command.taberna()?,
            mode: mode(command)?,
            temper: Temper::parse(command.field("reading"))?,
            orders: running.orders.clone(),
            quiet: command.flag("quiet"),
            tally: Arc::default(),
            held: Arc::clone(&running.held),
        };
        let codec = RawCodec {
            undecodable: inbox.mode == Mode::Undecodable,
        };
        let taberna = running.domus.taberna(inbox.id, codec).await?;
        let (id, tally) = (inbox.id, Arc::clone(&inbox.tally));
        let task = tokio::task::spawn_local(inbox.serve(taberna)).abort_handle();
        running.inboxes.insert(id, (task, tally));
        Ok(object([]))
    }

    /// The crate unregisters a taberna that is dropped, a moment later.
    fn unregister(&mut self, command: &Command) -> Result<Value, Failure> {
        match self.running()?.inboxes.remove(&command.taberna()?) {
            Some((task, _)) => task.abort(),
            None => return Err(Failure::from("no such taberna".to_owned())),
        }
        Ok(object([]))
    }

    async fn route(&mut self, command: &Command) -> Result<Value, Failure> {
        let (taberna, address) = (command.taberna()?, address(command)?);
        self.running()?.resolver.insert(taberna, address).await;
        Ok(object([]))
    }

    /// Offers the service `sums/v1`.
    async fn serve_sums(&mut self, command: &Command) -> Result<Value, Failure> {
        let (id, callers) = (command.taberna()?, address(command)?);
        let running = self.running()?;
        let sums = Sums {
            domus: Arc::clone(&running.domus),
            resolver: Arc::clone(&running.resolver),
            callers,
        };
        let taberna = running.domus.taberna(id, RawCodec { undecodable: false }).await?;
        tokio::task::spawn_local(sums.serve(taberna));
        Ok(object([]))
    }

    /// Registers the taberna that the answers to calls come to.
    async fn listen(&mut self, command: &Command) -> Result<Value, Failure> {
        let id = command.taberna()?;
        let running = self.running()?;
        let taberna = running.domus.taberna(id, RawCodec { undecodable: false }).await?;
        let calls = Calls::new(id);
        tokio::task::spawn_local(calls.clone().listen(taberna));
        running.calls = Some(calls);
        Ok(object([]))
    }

    fn start_call(&mut self, command: &Command) -> Result<(), Failure> {
        let order = Order::parse(command)?;
        let running = self.running()?;
        let Some(calls) = running.calls.clone() else {
            return Err(Failure::from("nothing listens to answers".to_owned()));
        };
        let domus = Arc::clone(&running.domus);
        let id = command.id;
        tokio::task::spawn_local(async move { reply(id, calls.make(domus, order).await) });
        Ok(())
    }

    fn decide(&mut self, command: &Command) -> Result<Value, Failure> {
        let number = command.count("held")?;
        let completion = self.running()?.held.lock().unwrap().take(number);
        let Some(completion) = completion else {
            return Err(Failure::from(format!("no held request {number}")));
        };
        match command.text("decision")? {
            "accept" => completion.accept(),
            "reject" => completion.reject(),
            "drop" => drop(completion),
            other => return Err(Failure::from(format!("unknown decision {other}"))),
        }
        Ok(object([]))
    }

    async fn report(&mut self) -> Result<Value, Failure> {
        let running = self.running()?;
        let metrics = running.domus.reporting().snapshot().await?;
        let tallies = running
            .inboxes
            .iter()
            .map(|(id, (_, tally))| (id.to_string(), tally.lock().unwrap().report()));
        Ok(object([
            ("tabernae", Value::Object(tallies.collect())),
            ("metrics", metrics_of(&metrics)),
        ]))
    }

    fn start_run(&mut self, command: &Command) -> Result<(), Failure> {
        let run = Run::parse(command)?;
        let domus = Arc::clone(&self.running()?.domus);
        let id = command.id;
        tokio::task::spawn_local(async move { reply(id, Ok(send_all(domus, run).await)) });
        Ok(())
    }

    fn start_blob(&mut self, command: &Command) -> Result<(), Failure> {
        let running = self.running()?;
        let blob = Blob::parse(command, running.orders.clone())?;
        let domus = Arc::clone(&running.domus);
        let id = command.id;
        tokio::task::spawn_local(async move { reply(id, Ok(blob.send(domus).await)) });
        Ok(())
    }

    fn order_blob(&mut self, command: &Command) -> Result<Value, Failure> {
        let (side, order) = (command.text("side")?, command.text("order")?);
        Ok(self.running()?.orders.give(side, command.count("number")?, order)?)
    }

    /// Another domus can be opened once this is answered.
    fn start_shutdown(&mut self, command: &Command) -> Result<(), Failure> {
        let running = self.running.take().ok_or_else(no_domus)?;
        let id = command.id;
        let begun = Instant::now();
        tokio::task::spawn_local(async move {
            running.domus.shutdown().await;
            let elapsed_ms = begun.elapsed().as_secs_f64() * 1000.0;
            // Held requests live until here: dropping one would reject it.
            drop(running);
            reply(id, Ok(object([("elapsedMs", elapsed_ms.into())])));
        });
        Ok(())
    }

    fn running(&mut self) -> Result<&mut Running, Failure> {
        self.running.as_mut().ok_or_else(no_domus)
    }
}

fn no_domus() -> Failure {
    Failure::from("no domus is open".to_owned())
}

fn auth_of(command: &Command) -> Result<Pkcs8AuthConfig, String> {
    Ok(Pkcs8AuthConfig::Pkcs8Pem(Pkcs8PemConfig {
        ca_pem: read(command.text("ca")?)?,
        cert_pem: read(command.text("cert")?)?,
        pkcs8_key_pem: read(command.text("key")?)?.into(),
    }))
}

fn address(command: &Command) -> Result<DomusAddr, String> {
    let text = command.text("address")?;
    if let Some(path) = text.strip_prefix("unix://") {
        return Ok(DomusAddr::Socket(PathBuf::from(path)));
    }
    let socket: Option<SocketAddr> = text.strip_prefix("tcp://").and_then(|rest| rest.parse().ok());
    socket
        .map(DomusAddr::Tcp)
        .ok_or_else(|| format!("address must be tcp://ip:port or unix:///path, got {text}"))
}

fn mode(command: &Command) -> Result<Mode, String> {
    Ok(match command.text("mode")? {
        "accept" => Mode::Accept,
        "reject" => Mode::Reject,
        "hold" => Mode::Hold,
        "slow" => Mode::Slow(Duration::from_millis(command.count("delayMs")?)),
        "undecodable" => Mode::Undecodable,
        "untaken" => Mode::Untaken,
        other => return Err(format!("unknown mode {other}")),
    })
}

fn read(path: &str) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("{path}: {error}"))
}

fn metrics_of(metrics: &DomusMetrics) -> Value {
    object([
        ("currentPeers", metrics.current_peers.into()),
        ("currentPrimaryCallis", metrics.current_primary_callis.into()),
        ("currentBlobCallis", metrics.current_blob_callis.into()),
        ("totalPrimaryOpened", metrics.total_primary_opened.into()),
        ("totalPrimaryClosed", metrics.total_primary_closed.into()),
        ("totalDialAttempts", metrics.total_dial_attempts.into()),
        ("totalDialFailures", metrics.total_dial_failures.into()),
        ("totalIdentityMismatch", metrics.total_identity_mismatch.into()),
        ("totalProtocolViolation", metrics.total_protocol_violation.into()),
        (
            "totalOutboundQueueOverruns",
            metrics.total_outbound_queue_overruns.into(),
        ),
    ])
}
