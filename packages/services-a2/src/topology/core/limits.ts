/** The bounds of what travels between topologies (topology, limits). Whoever sends more is refused and counted. */

/** Most bytes of a node id or a node type, as UTF-8. */
export const NAME_MAX_BYTES = 256;
/** Most bytes of an address: that of a Unix socket with the longest path. */
export const ADDRESS_MAX_BYTES = 4104;
/** Most services of a node. */
export const SERVICES_MAX = 128;
/** Most tabernae that a node announces. */
export const TABERNAE_MAX = 256;
/** Most bytes of a `service/version` or of the name of a taberna. */
export const SERVICE_MAX_BYTES = 256;
/** Most entries of the metadata of a node. */
export const METADATA_MAX = 64;
/** Most bytes of a key, and of a value, of metadata. */
export const METADATA_KEY_MAX_BYTES = 128;
export const METADATA_VALUE_MAX_BYTES = 1024;
/** Most bytes of what an owner signs. */
export const BODY_MAX_BYTES = 6144;
/** Most bytes of a signature: RSA of 8,192 bits. */
export const SIGNATURE_MAX_BYTES = 1024;
/** Most certificates beside a record, leaf first, without the anchor. */
export const CHAIN_MAX = 4;
/** Most bytes of each of these certificates. */
export const CHAIN_MAX_BYTES = 8192;
/** Most bytes of a record with its signature and chain. */
export const RECORD_MAX_BYTES = 15_616;

/** What one message along a link carries of facts; one record always fits. */
export const GOSSIP_FACTS_MAX_BYTES = 16_384;
/** What one message between tables that are compared carries of facts: some 25 records, whose chains take a while to judge. */
export const EXCHANGE_FACTS_MAX_BYTES = 16_384;
/** What one message lists of differences. */
export const DIFFERENCES_MAX_BYTES = 16_384;
/** Most records that one message asks for. */
export const WANTS_MAX = 128;
/** Most bytes of any message; the payload of a larger one is not looked at. */
export const MESSAGE_MAX_BYTES = 65_536;
/** How far beyond the wall clock an incarnation may be: clocks that differ, and no more. */
export const INCARNATION_AHEAD_MS = 86_400_000;
