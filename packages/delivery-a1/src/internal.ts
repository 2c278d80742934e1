/** The door of layer A1 for the layers above it and for the simulator. */
export type { Callis, Phase } from './core/callis.ts';
export type { Counters } from './core/counters.ts';
export { DomusCore, type DomusCoreOptions } from './core/domus-core.ts';
export type { Lane } from './core/lane.ts';
export type { LocalSession } from './core/local-session.ts';
export type { RequestOrigin } from './core/origin.ts';
export type { PeerSession } from './core/peer-session.ts';
export { bytesIn } from './core/receiving.ts';
export { pollWrite } from './core/sending.ts';
export type { DeliverySettings } from './core/settings.ts';
export type { CoreEvent, CoreSink, EndManner, EndReason, LaneName, SendFailure, SendWaiter } from './core/sink.ts';
export type { Arrival, Taberna } from './core/taberna.ts';
export { type Clock, systemClock, type TimerHandle } from './shell/clock.ts';
export { Delivery, type DeliveryOptions, type TabernaOwner, type Tier } from './shell/delivery.ts';
export { driverOf, type PeerDriver } from './shell/peer-driver.ts';
export { FrameDecoder } from './wire/decode.ts';
export { WriteBatch } from './wire/encode.ts';
export * from './wire/frame.ts';
