/** Who sent a request, as the connection proved it on which the request came: whatever the peer shows later. */
import type { Sender } from '@flaminia/delivery-a1/internal';
import type { Caller } from '@flaminia/services-a2';
import { callerFrom } from '@flaminia/services-a2/internal';

/** Derived once for a connection, when somebody asks: it parses the certificate. */
export function callerOfSender(sender: Sender): Caller {
  sender.caller ??= callerFrom(sender.identity);
  return sender.caller as Caller;
}
