// A rule of your own. It answers at once, and only `true` lets a call in.
import type { PeerVerifier } from '@flaminia/domus/services';

export function officeHours(hour: () => number): PeerVerifier {
  return {
    verify: (caller, procedure) => {
      const isReading = procedure === 'accounts/v1/balance';
      return isReading || (caller.nodeType === 'office' && hour() >= 8 && hour() < 18);
    },
  };
}
