/** Who sent a request, as the connection proved it on which the request came: whatever the peer shows later. */
import type { PeerDriver, PeerSession, RequestOrigin, Sender } from '@flaminia/delivery-a1/internal';
import type { Caller } from '@flaminia/services-a2';
import { callerFrom } from '@flaminia/services-a2/internal';

/** The sender of a request that is being handed out; undefined for this domus itself. */
export function senderOf(origin: RequestOrigin): Sender | undefined {
  const driver = (origin as Partial<PeerSession>).driver as PeerDriver | undefined;
  return driver === undefined ? undefined : driver.sender!;
}

/** Derived once for a connection, when somebody asks: it parses the certificate. */
export function callerOfSender(sender: Sender): Caller {
  sender.caller ??= callerFrom(sender.identity);
  return sender.caller as Caller;
}
