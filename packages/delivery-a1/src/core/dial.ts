/** How far the dial of a callis is. */
import type { Callis } from './callis.ts';

/** The dial of a callis: at most one of each kind is under way. */
export type Dial =
  | { readonly kind: 'idle' }
  /** A0 is under way. */
  | { readonly kind: 'dialling'; readonly beganSequence: number; readonly deadline: number }
  /** The hello exchange is under way. */
  | { readonly kind: 'greeting'; readonly callis: Callis };

/** No dial. */
export const IDLE: Dial = { kind: 'idle' };
