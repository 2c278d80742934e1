/** A Node domus and a Rust one on common ground, and the endpoints that most tests use. */
import { a3MessageType, bytes, type Endpoint, endpoint } from '@flaminia/domus';
import type { Imperium } from './imperium.ts';
import type { NodeDomus, NodeDomusOptions } from './node-domus.ts';
import type { RustDomus, RustDomusOptions } from './rust-domus.ts';
import type { RustConfig } from './rust-protocol.ts';

/** Registered by Rust domus: the highest id, of a message type that no default has. */
export const AT_RUST: Endpoint<Uint8Array> = endpoint(2n ** 64n - 1n, bytes(undefined, { type: a3MessageType(7) }));
/** Registered by Node domus; of the message type that Rust runs send by default. */
export const AT_NODE: Endpoint<Uint8Array> = endpoint(7n, bytes());

/** The crate with the two settings that every fast program changes: it dials at once, and takes many messages at a time. */
export const PROMPT: RustConfig = { listenerDelay: 0, tabernaAcceptQueueSize: 1024 };

export interface Pair {
  readonly node: NodeDomus;
  readonly rust: RustDomus;
}

/** Opens both; the Rust one knows the way to `AT_NODE`. Its config is {@link PROMPT} where none is given. */
export async function openPair(
  imperium: Imperium,
  options: { readonly node?: NodeDomusOptions; readonly rust?: RustDomusOptions } = {},
): Promise<Pair> {
  const rust = await imperium.rust({ config: PROMPT, ...options.rust });
  const node = await imperium.node(options.node);
  await rust.peer.route(AT_NODE.id, node.address);
  return { node, rust };
}
