/** The door of layer A0 for the layer above it. */
export { type AuthMaterial, loadAuthMaterial, requireAddress } from './auth-material.ts';
export type { A0Limits, Backend, BackendEvents, BackendOptions, CertifiedBackend, InboundFailure } from './backend.ts';
export { addressOfLeaf, identityOf } from './identity.ts';
export { type MemoryBackendOptions, MemoryNetwork } from './memory.ts';
export type { AuthenticatedStream, StreamReceiver } from './stream.ts';
export { TcpBackend } from './tcp-backend.ts';
export { UnixBackend, type UnixBackendOptions } from './unix-backend.ts';
