/** The golden bytes of the Rust crate (docs/protocol/vectors), as far as fuzzing begins with them. */
import { readFileSync } from 'node:fs';

/** One recorded message, frame or step. */
export interface GoldenBytes {
  readonly name: string;
  readonly bytes: Buffer;
}

/** A step of a recorded conversation. */
export interface GoldenStep extends GoldenBytes {
  readonly connection: number;
  readonly layer: string;
  readonly from: string;
}

const FOLDER = new URL('../../../../docs/protocol/vectors/', import.meta.url);

interface Recorded {
  readonly name?: string;
  readonly hex?: string;
  readonly connection?: number;
  readonly layer?: string;
  readonly from?: string;
}

interface Leaf {
  /** PEM, leaf first. */
  readonly certificates: string;
}

export interface GoldenMaterial {
  /** PEM. */
  readonly authority: string;
  readonly leaves: Readonly<Record<string, Leaf>>;
}

/** The entries of these files. */
export function goldenEntries(...files: readonly string[]): GoldenBytes[] {
  return files.flatMap((file) => (read(file) as { entries: Recorded[] }).entries.flatMap(stepOf));
}

/** The bytes of a recorded conversation, in order. */
export function goldenTranscript(file: string): GoldenStep[] {
  return (read(file) as { steps: Recorded[] }).steps.flatMap(stepOf);
}

export function goldenMaterial(): GoldenMaterial {
  return read('material') as GoldenMaterial;
}

function stepOf({ name = '', hex, connection = 1, layer = '', from = '' }: Recorded): GoldenStep[] {
  return hex === undefined ? [] : [{ name, bytes: Buffer.from(hex, 'hex'), connection, layer, from }];
}

function read(file: string): unknown {
  return JSON.parse(readFileSync(new URL(`${file}.json`, FOLDER), 'utf8'));
}
