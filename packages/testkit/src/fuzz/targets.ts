/** Everything that is fuzzed. */
import type { FuzzTarget } from './target.ts';
import { a0Tcp } from './targets/a0-tcp.ts';
import { a0Unix } from './targets/a0-unix.ts';
import { calls } from './targets/calls.ts';
import { cbor } from './targets/cbor.ts';
import { frames } from './targets/frames.ts';
import { json } from './targets/json.ts';
import { san } from './targets/san.ts';
import { session } from './targets/session.ts';
import { topology } from './targets/topology.ts';

export const TARGETS: readonly FuzzTarget[] = [frames, session, a0Tcp, a0Unix, san, cbor, json, calls, topology];
