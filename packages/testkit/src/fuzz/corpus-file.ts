/** The committed corpus: one file for each target, one input a line, in hex. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';

const FOLDER = new URL('../../corpus/', import.meta.url);

/** The inputs that are kept for this target. */
export function readCorpus(name: string): Uint8Array[] {
  const file = fileOf(name);
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.slice(0, -1).map((line) => Uint8Array.from(Buffer.from(line, 'hex')));
}

/** Writes the inputs, the shortest first, each once. */
export function writeCorpus(name: string, inputs: readonly Uint8Array[]): void {
  const lines = [...new Set(inputs.map((input) => Buffer.from(input).toString('hex')))];
  lines.sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(fileOf(name), lines.map((line) => `${line}\n`).join(''));
}

function fileOf(name: string): URL {
  return new URL(`${name}.hex`, FOLDER);
}
