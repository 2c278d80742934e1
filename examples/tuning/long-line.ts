// Settings for few streams over a long line: 16 MiB of each may be on their way, and eight may be open at once.
import type { DomusConfig } from '@flaminia/domus';

const KIB = 1024;
const MIB = 1024 * KIB;

export const longLine: Partial<DomusConfig> = {
  blobWindow: { chunkSize: 256 * KIB, ackWindow: 64 },
  blobOutboundBufferBytes: 128 * MIB,
  blobInboundBufferBytes: 128 * MIB,
};
