/** The signals that programs give: who ends with them. */
import { type SignalWatch, waiters } from '@flaminia/services-a2/internal';

/** One listener on a signal for whatever ends with it in any domus, beside calls: Node warns of the eleventh. */
export const signals: SignalWatch = waiters;
