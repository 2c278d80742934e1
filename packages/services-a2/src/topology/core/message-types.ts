/** The messages of the topology: types of the A2 range, at its own taberna (topology, messages). */

export const MESSAGE = {
  /** Along a link, each probe period and whenever there is news: facts, the root of the digest, the number of links. */
  gossip: 0x0001_0000,
  /** Asks to become a link; accepted or rejected as a message is. */
  link: 0x0001_0001,
  /** Ends a link. Without content. */
  unlink: 0x0001_0002,
  /** The digests of the sender's table. */
  compare: 0x0001_0003,
  /** What the receiver of `compare` holds in the buckets that differ. */
  differences: 0x0001_0004,
  /** Facts, and the keys of records that are wanted. */
  exchange: 0x0001_0005,
  /** Is to be accepted, nothing else. Without content. */
  probe: 0x0001_0006,
  /** Asks the receiver to probe a third node. */
  probeRequest: 0x0001_0007,
  /** Whether that node was reached. */
  probeResult: 0x0001_0008,
  /** Asks for the receiver's own record. */
  infoRequest: 0x0001_0009,
  /** The sender's own record. */
  info: 0x0001_000a,
} as const;

export type MessageType = (typeof MESSAGE)[keyof typeof MESSAGE];

/** The texts with which a topology rejects messages. */
export const REJECTED = {
  /** `gossip` from a node that is no link here. */
  notLinked: 'not-linked',
  /** `link` where there is no room. */
  full: 'full',
  /** Any message that is not what the protocol defines. */
  malformed: 'malformed',
  /** Any message to a topology that does not run, or has left. */
  stopped: 'stopped',
} as const;
