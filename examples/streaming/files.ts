// files.ts: one definition, shared by both sides
import { blobEndpoint, json } from '@flaminia/domus';

export const Files = blobEndpoint('files', json<{ readonly name: string }>());
