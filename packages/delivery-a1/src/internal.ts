/** The door of layer A1 for the layers above it, for the simulator and the fuzzer. */
export type { Callis, Phase } from './core/callis.ts';
export type { Counters } from './core/counters.ts';
export { DomusCore, type DomusCoreOptions } from './core/domus-core.ts';
export type { InboundBlob } from './core/inbound-blob.ts';
export type { Lane } from './core/lane.ts';
export type { LocalSession } from './core/local-session.ts';
export type { RequestOrigin } from './core/origin.ts';
export type { OutboundBlob } from './core/outbound-blob.ts';
export type { PeerSession } from './core/peer-session.ts';
export { bytesIn } from './core/receiving.ts';
export type { SendFailure, SendWaiter } from './core/send-waiter.ts';
export { carriesAnswer, pollWrite } from './core/sending.ts';
export type { DeliverySettings } from './core/settings.ts';
export type { CallisKind, CoreEvent, CoreSink, EndManner, EndReason, LaneName } from './core/sink.ts';
export type { Arrival, Taberna } from './core/taberna.ts';
export { type Clock, systemClock, type TimerHandle } from './shell/clock.ts';
export {
  type BlobOwner,
  Delivery,
  type DeliveryOptions,
  type FlushProgram,
  type TabernaOwner,
  type Tier,
} from './shell/delivery.ts';
export { driverOf, type PeerDriver, type Sender } from './shell/peer-driver.ts';
export { BAD_VERSION, CHUNK_HEAD, FRAME, FrameDecoder, NEED_MORE, OVERSIZED } from './wire/decode.ts';
export { WriteBatch } from './wire/encode.ts';
export * from './wire/frame.ts';
export { type Landing, Region } from './wire/landing.ts';
