/** Trust in whoever the authority has given a certificate to. */
import type { PeerVerifier } from './peer-verifier.ts';

/**
 * Lets every authenticated peer call everything. "Authenticated" is what A0 proves: a certificate of the own authority, for
 * the address that the peer has. One without CN is let in as well.
 */
export class LocalTrustVerifier implements PeerVerifier {
  verify(): boolean {
    return true;
  }
}

/** A verifier that lets every authenticated peer call everything, and says so where it is used. */
export function anyAuthenticatedPeer(): PeerVerifier {
  return new LocalTrustVerifier();
}
