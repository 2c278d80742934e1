/** The door of layer A0 for the layer above it. */
export type { AuthMaterial } from './auth-material.ts';
export type { A0Limits, Backend, BackendEvents, BackendOptions, InboundFailure } from './backend.ts';
export type { AuthenticatedStream, StreamReceiver } from './stream.ts';
