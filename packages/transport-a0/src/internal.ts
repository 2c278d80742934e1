/** The door of layer A0 for the layer above it, and for the fuzzer. */
export { type AuthMaterial, loadAuthMaterial, requireAddress } from './auth-material.ts';
export type { A0Limits, Backend, BackendEvents, BackendOptions, CertifiedBackend, InboundFailure } from './backend.ts';
export { type ChainVerdict, validateChain } from './chain-validator.ts';
export { DER_TAG, type DerElement, derChildren, encodeDer, readDer } from './der.ts';
export { addressOfLeaf, identityOf } from './identity.ts';
export { leafRefusal } from './leaf-rules.ts';
export { type MemoryBackendOptions, MemoryNetwork } from './memory.ts';
export { parseCertificate } from './parse-certificate.ts';
export { dropPromise } from './promise-given.ts';
export type { AuthenticatedStream, StreamReceiver } from './stream.ts';
export { TcpBackend } from './tcp-backend.ts';
export { encodeTcpMessage, type TcpMessage, type TcpMessageKind, TcpMessageReader } from './tcp-messages.ts';
export { UnixBackend, type UnixBackendOptions } from './unix-backend.ts';
export { UnixMessageReader } from './unix-message-reader.ts';
export { encodeUnixMessage, type UnixMessage, type UnixMessageKind } from './unix-messages.ts';
