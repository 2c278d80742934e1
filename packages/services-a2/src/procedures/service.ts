/**
 * The definition of a service, which both sides share: its name, its version and its procedures (a2-services). Pure values,
 * from which the types of handlers and clients follow.
 */
import { createHash } from 'node:crypto';
import { type OptionNames, optionsOf, outOfRange } from '@flaminia/transport-a0';
import { type SchemaCheck, schemaCheck } from '../values/schema-check.ts';
import type { InferInput, InferOutput, StandardSchemaV1 } from '../values/standard-schema.ts';
import { KIND_NUMBERS, textItem } from './core/wire.ts';

/** How many inputs and outputs a procedure has. */
export type ProcedureKind = 'unary' | 'one-way' | 'server-stream' | 'client-stream' | 'bidi-stream';

/** A procedure of any kind. The four types: input as it is sent and as it arrives, output likewise. */
export interface ProcedureDefinition<
  Kind extends ProcedureKind = ProcedureKind,
  InputSent = unknown,
  InputReceived = unknown,
  OutputSent = unknown,
  OutputReceived = unknown,
> {
  readonly kind: Kind;
  /** A call may be made again when nobody knows whether it was carried out. */
  readonly idempotent: boolean;
  readonly input: StandardSchemaV1 | undefined;
  readonly output: StandardSchemaV1 | undefined;
  /** Never there at run time: carries the types. */
  readonly types?: {
    readonly inputSent: InputSent;
    readonly inputReceived: InputReceived;
    readonly outputSent: OutputSent;
    readonly outputReceived: OutputReceived;
  };
}

/** The procedures of a service, by their names. */
export type Procedures = Readonly<Record<string, ProcedureDefinition>>;

/** One procedure of a service, as `broadcast` takes it: `identity.notify`. */
export interface Procedure<Definition extends ProcedureDefinition = ProcedureDefinition> {
  readonly service: ServiceHead;
  readonly name: string;
  /** `service/version/procedure`, as it travels and as verifiers see it. */
  readonly fullName: string;
  readonly definition: Definition;
  /** @internal */
  readonly parts: ProcedureParts;
}

/** What the machinery keeps for a procedure. */
export interface ProcedureParts {
  /** The full name as CBOR. */
  readonly nameItem: Uint8Array;
  readonly kindNumber: number;
  readonly checkInput: SchemaCheck;
  readonly checkOutput: SchemaCheck;
}

/** What is known of a service whatever its procedures are. */
export interface ServiceHead<P extends Procedures = Procedures> {
  readonly name: string;
  readonly version: string;
  readonly procedures: P;
  /** Its taberna (inbox): the first 8 bytes of SHA-256 of `name/version`, as two halves. */
  readonly taberna: { readonly name: string; readonly idHi: number; readonly idLo: number };
}

/** A service; each of its procedures also stands on it by its name. */
export type Service<P extends Procedures = Procedures> = ServiceHead<P> & {
  readonly [Name in keyof P]: Procedure<P[Name]>;
};

/** Names that no procedure may have: they mean something on a client or on a service. */
const RESERVED: ReadonlySet<string> = new Set([
  ...['then', 'constructor', '__proto__', 'prototype', 'toString', 'toJSON', 'valueOf', 'hasOwnProperty'],
  ...['name', 'version', 'procedures', 'taberna'],
]);
const NAME = /^[A-Za-z_][\w.-]{0,99}$/;
const NAME_TEXT = 'a letter or _ and then letters, digits, _, . or -, at most 100';
const MAX_PROCEDURES = 1024;

/**
 * Defines a service. `name` and `version` together are its identity: versions live side by side. `invalid-config` for names
 * that are empty, too long or reserved (`then`, `constructor`, `__proto__`, `name`, `version`, `procedures`, `taberna` and what every
 * object has), and for what no maker of this module made.
 */
export function service<P extends Procedures>(name: string, version: string, procedures: P): Service<P> {
  requireName('name of a service', name);
  // `taberna/...` is what verifiers know tabernae by.
  if (name === 'taberna') throw outOfRange('name of a service', 'a name that is not reserved', name);
  requireName('version of a service', version);
  const id = `${name}/${version}`;
  const digest = createHash('sha256').update(id).digest();
  const taberna = Object.freeze({ name: id, idHi: digest.readUInt32BE(0), idLo: digest.readUInt32BE(4) });
  const entries = Object.entries(procedures ?? {});
  if (entries.length === 0 || entries.length > MAX_PROCEDURES) {
    throw outOfRange(`procedures of ${id}`, `an object with 1 to ${MAX_PROCEDURES} procedures`, procedures);
  }
  const made: Record<string, unknown> = { name, version, procedures: Object.freeze({ ...procedures }), taberna };
  for (const [key, definition] of entries) {
    requireName(`name of a procedure of ${id}`, key);
    if (RESERVED.has(key)) throw outOfRange(`name of a procedure of ${id}`, 'a name that is not reserved', key);
    made[key] = procedureOf(made as unknown as ServiceHead, key, definition);
  }
  return Object.freeze(made) as unknown as Service<P>;
}

function procedureOf(of: ServiceHead, name: string, definition: ProcedureDefinition): Procedure {
  const fullName = `${of.taberna.name}/${name}`;
  if (!Object.hasOwn(KIND_NUMBERS, String(definition?.kind))) {
    throw outOfRange(`procedure ${fullName}`, 'what unary(), oneWay() or a maker of streams made', definition);
  }
  return Object.freeze({
    service: of,
    name,
    fullName,
    definition,
    parts: Object.freeze({
      nameItem: textItem(fullName),
      kindNumber: KIND_NUMBERS[definition.kind],
      checkInput: schemaCheck(definition.input, `input of ${fullName}`),
      checkOutput: schemaCheck(definition.output, `output of ${fullName}`),
    }),
  });
}

/** Throws `invalid-config` for what `service` has not made, such as one of its procedures. */
export function requireServiceHead(given: ServiceHead): void {
  const { taberna, procedures } = (given ?? {}) as Partial<ServiceHead>;
  if (typeof taberna?.name === 'string' && typeof procedures === 'object' && procedures !== null) return;
  throw outOfRange('service', 'a definition made by service(...)', given);
}

function requireName(field: string, value: unknown): void {
  if (typeof value !== 'string' || !NAME.test(value)) throw outOfRange(field, NAME_TEXT, value);
}

type Schema = StandardSchemaV1;

/** Schemas of a procedure: arriving values are checked by them, and both types of each follow from them. */
export interface ProcedureSchemas<Input extends Schema, Output extends Schema> {
  /** Checks inputs where they arrive, at the provider. */
  readonly input: Input;
  /** Checks outputs where they arrive, at the caller. */
  readonly output: Output;
  /** May a call be made again, on another provider first, when nobody knows whether it was carried out? Default false. */
  readonly idempotent?: boolean;
}

/** A procedure without schemas: typed, and **unchecked**. */
export interface UncheckedProcedure {
  /** As that of {@link ProcedureSchemas}. */
  readonly idempotent?: boolean;
}

type Checked<Kind extends ProcedureKind, I extends Schema, O extends Schema> = ProcedureDefinition<
  Kind,
  InferInput<I>,
  InferOutput<I>,
  InferInput<O>,
  InferOutput<O>
>;

type Options = { readonly input?: Schema; readonly output?: Schema; readonly idempotent?: boolean };

// A schema in their place, for one, is refused: its procedure would be unchecked.
const NAMES: OptionNames<Options> = { input: true, output: true, idempotent: true };

function define<Kind extends ProcedureKind>(
  kind: Kind,
  options: Options = {},
): ProcedureDefinition<Kind, never, never, never, never> {
  const { input, output, idempotent = false } = optionsOf(`a ${kind} procedure`, options, NAMES);
  if (typeof idempotent !== 'boolean') throw outOfRange('idempotent', 'true or false', idempotent);
  return Object.freeze({ kind, idempotent, input, output });
}

/** One input, one output. */
export function unary<I extends Schema, O extends Schema>(schemas: ProcedureSchemas<I, O>): Checked<'unary', I, O>;
export function unary<Input = unknown, Output = unknown>(
  options?: UncheckedProcedure,
): ProcedureDefinition<'unary', Input, Input, Output, Output>;
export function unary(options?: Options): ProcedureDefinition<'unary', never, never, never, never> {
  return define('unary', options);
}

/** One input, no output: a call resolves when the provider has taken it. */
export function oneWay<I extends Schema>(schemas: {
  readonly input: I;
  readonly idempotent?: boolean;
}): ProcedureDefinition<'one-way', InferInput<I>, InferOutput<I>, void, void>;
export function oneWay<Input = unknown>(
  options?: UncheckedProcedure,
): ProcedureDefinition<'one-way', Input, Input, void, void>;
export function oneWay(options?: Options): ProcedureDefinition<'one-way', never, never, never, never> {
  return define('one-way', options);
}

/** One input, a stream of outputs. */
export function serverStream<I extends Schema, O extends Schema>(
  schemas: ProcedureSchemas<I, O>,
): Checked<'server-stream', I, O>;
export function serverStream<Input = unknown, Output = unknown>(
  options?: UncheckedProcedure,
): ProcedureDefinition<'server-stream', Input, Input, Output, Output>;
export function serverStream(options?: Options): ProcedureDefinition<'server-stream', never, never, never, never> {
  return define('server-stream', options);
}

/** A stream of inputs, one output. */
export function clientStream<I extends Schema, O extends Schema>(
  schemas: ProcedureSchemas<I, O>,
): Checked<'client-stream', I, O>;
export function clientStream<Input = unknown, Output = unknown>(
  options?: UncheckedProcedure,
): ProcedureDefinition<'client-stream', Input, Input, Output, Output>;
export function clientStream(options?: Options): ProcedureDefinition<'client-stream', never, never, never, never> {
  return define('client-stream', options);
}

/** A stream of inputs and a stream of outputs. */
export function bidiStream<I extends Schema, O extends Schema>(
  schemas: ProcedureSchemas<I, O>,
): Checked<'bidi-stream', I, O>;
export function bidiStream<Input = unknown, Output = unknown>(
  options?: UncheckedProcedure,
): ProcedureDefinition<'bidi-stream', Input, Input, Output, Output>;
export function bidiStream(options?: Options): ProcedureDefinition<'bidi-stream', never, never, never, never> {
  return define('bidi-stream', options);
}
