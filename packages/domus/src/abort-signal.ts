/** The signals that programs give: who ends with them. */

/** One listener on a signal for whatever ends with it in any domus, beside calls: Node warns of the eleventh. */
export { waiters as signals } from '@flaminia/services-a2/internal';
