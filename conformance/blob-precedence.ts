/** Who gives way where both sides dial their first blob callis at once (a1-blobs, blob callis). */
import { blobResponse } from './blob-frames.ts';
import type { Step } from './conformance-case.ts';
import { expectEnd } from './expectations.ts';
import { write } from './steps.ts';

/**
 * The implementation has said its plain blob hello on `own`, the raw peer on `ours`, and neither is answered. The implementation ends
 * `ours` at once if its address is the lower one, otherwise when `own` is answered.
 */
export function expectFirstDialsSettled(own: string, ours: string): Step {
  const answerOwn = write(blobResponse(), own);
  return {
    text: `expect the end of ${ours}, at once or when ${own} is answered, by the addresses`,
    run: async (stage) => {
      const isLower = stage.shared.address < stage.raw.address;
      for (const step of isLower ? [expectEnd(ours), answerOwn] : [answerOwn, expectEnd(ours)]) await step.run(stage);
    },
  };
}
