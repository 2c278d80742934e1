// An authority of your own, and material for one domus (node) in three files.
import { writeFileSync } from 'node:fs';
import { createAuthority, issueAuth } from '@flaminia/certificates';

const ca = await createAuthority({ name: 'example imperium' });
const issue = issueAuth({ ca, nodeId: 'worker-1', nodeType: 'worker', ttlMs: 30 * 86_400_000 });
const material = await issue('tcp://127.0.0.1:7030');
writeFileSync('ca.pem', material.ca);
writeFileSync('worker.pem', material.cert);
writeFileSync('worker.key', material.key, { mode: 0o600 });
