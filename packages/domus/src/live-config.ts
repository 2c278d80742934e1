/**
 * The configuration of a running domus (node): the one in force, and the step to the next (config, live updates).
 *
 * It owns which configuration is in force. What that means to a running peer is delivery's business: whoever reads a
 * setting reads it here at each use, and `applied` tells those who keep a copy.
 * 1. An update is whole or nothing: one that is refused has changed nothing and told nobody.
 * 2. `applied` is told after the new configuration is in force, once per update; then `warn` of each value that had to be changed.
 */
import type { DomusConfig, TransportKind } from './config.ts';
import { type ResolvedConfig, resolveConfig } from './resolve-config.ts';

export class LiveConfig {
  private readonly kind: TransportKind;
  private readonly warn: (warning: string) => void;
  private resolved: ResolvedConfig;
  private applied: (config: DomusConfig) => void = () => {};

  /** Throws `invalid-config` for what is no configuration. */
  constructor(partial: Partial<DomusConfig>, kind: TransportKind, warn: (warning: string) => void = () => {}) {
    this.kind = kind;
    this.warn = warn;
    this.resolved = resolveConfig(partial, kind);
    this.resolved.warnings.forEach(warn);
  }

  /** The configuration in force: full and frozen. */
  get current(): DomusConfig {
    return this.resolved.config;
  }

  /** Has `applied` told of every later update. */
  onUpdate(applied: (config: DomusConfig) => void): void {
    this.applied = applied;
  }

  /** Puts given fields in force beside those given before. Throws `invalid-config`. */
  update(partial: Partial<DomusConfig>): DomusConfig {
    this.resolved = resolveConfig(partial, this.kind, this.resolved);
    this.applied(this.current);
    this.resolved.warnings.forEach(this.warn);
    return this.current;
  }
}
