/** Who gives way where both sides ask for the session at once (a1-delivery, primary callis). */
import type { Step } from './conformance-case.ts';
import { expectEach, expectEnd } from './expectations.ts';
import { A3_MESSAGE, HELLO_RESPONSE, helloResponse, RECONNECT } from './frames.ts';
import { write } from './steps.ts';

/**
 * Both sides have asked with RECONNECT: the implementation on `own`, the raw peer on `ours`, and neither is answered. The
 * implementation ends `ours` if its address is the lower one; otherwise it answers there once `own` is answered. Either way
 * its message comes again.
 */
export function expectPrecedence(own: string, ours: string, message: string): Step {
  const answerOwn = write(helloResponse({ flags: RECONNECT }), own);
  const replay = { type: A3_MESSAGE, id: message };
  const givesWay = [expectEnd(ours), answerOwn, expectEach([replay], own)];
  const waits = [answerOwn, expectEach([{ type: HELLO_RESPONSE, flags: RECONNECT }, replay], [ours, own])];
  return {
    text: `expect the end of ${ours}, or its answer once ${own} is answered, by the addresses`,
    run: async (stage) => {
      const isLower = stage.shared.address < stage.raw.address;
      for (const step of isLower ? givesWay : waits) await step.run(stage);
    },
  };
}
