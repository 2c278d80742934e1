/** Builds the Rust program of interop/rust-peer. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const crate = join(dirname(fileURLToPath(import.meta.url)), 'rust-peer');
let built: Promise<string> | undefined;

/**
 * Builds the program, at most once in this process, and gives its path. Cargo finds out by itself in a moment when
 * there is nothing to do, and keeps builds of several processes apart.
 */
export function buildRustPeer(): Promise<string> {
  built ??= build();
  return built;
}

async function build(): Promise<string> {
  const cargo = spawn('cargo', ['build', '--release', '--locked', '--quiet'], {
    cwd: crate,
    // The workspace's own target folder, wherever the user's settings would put it.
    env: { ...process.env, CARGO_TARGET_DIR: join(crate, 'target') },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [code] = await once(cargo, 'close');
  if (code !== 0) throw new Error(`cargo build of ${crate} ended with ${code}`);
  return join(crate, 'target', 'release', 'rust-peer');
}
