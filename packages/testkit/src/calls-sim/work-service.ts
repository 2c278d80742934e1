/** The service that simulated nodes provide and call: a procedure of each kind, and of those with one answer one that may be called again. */
import {
  bidiStream,
  clientStream,
  oneWay,
  type ProcedureDefinition,
  type Service,
  serverStream,
  service,
  unary,
} from '@flaminia/services-a2';

/** What a program sends: which call it belongs to, its place, and something to weigh. */
export interface Piece {
  readonly call: number;
  readonly index: number;
  readonly weight: Uint8Array;
}

type WorkProcedures = {
  readonly ask: ProcedureDefinition<'unary', Piece, Piece, Piece, Piece>;
  readonly find: ProcedureDefinition<'unary', Piece, Piece, Piece, Piece>;
  readonly tell: ProcedureDefinition<'one-way', Piece, Piece, void, void>;
  readonly note: ProcedureDefinition<'one-way', Piece, Piece, void, void>;
  readonly list: ProcedureDefinition<'server-stream', Piece, Piece, Piece, Piece>;
  readonly gather: ProcedureDefinition<'client-stream', Piece, Piece, Piece, Piece>;
  readonly talk: ProcedureDefinition<'bidi-stream', Piece, Piece, Piece, Piece>;
};

export const Work: Service<WorkProcedures> = service('work', 'v1', {
  ask: unary<Piece, Piece>(),
  find: unary<Piece, Piece>({ idempotent: true }),
  tell: oneWay<Piece>(),
  note: oneWay<Piece>({ idempotent: true }),
  list: serverStream<Piece, Piece>(),
  gather: clientStream<Piece, Piece>(),
  talk: bidiStream<Piece, Piece>(),
});

export type ProcedureName = keyof typeof Work.procedures;

export const PROCEDURES: readonly ProcedureName[] = Object.keys(Work.procedures) as ProcedureName[];

/** A piece whose weight says where it belongs, so that one in the wrong place is seen. */
export function piece(call: number, index: number, bytes: number): Piece {
  return { call, index, weight: new Uint8Array(bytes).fill((call * 31 + index) & 0xff) };
}

/** What is wrong with a piece that has come; undefined where it is the one that belongs here. */
export function faultOf(found: unknown, call: number, index: number, bytes: number): string | undefined {
  const { call: ofCall, index: at, weight } = found as Piece;
  if (ofCall !== call) return `a piece of call ${ofCall} has come in call ${call}`;
  if (at !== index) return `piece ${at} of call ${call} has come where ${index} belongs`;
  if (weight.length !== bytes) return `piece ${index} of call ${call} has ${weight.length} bytes, not ${bytes}`;
  const mark = (call * 31 + index) & 0xff;
  return weight.every((byte) => byte === mark) ? undefined : `piece ${index} of call ${call} holds other bytes`;
}
