import { authFromFiles, Domus } from '@flaminia/domus';

const auth = authFromFiles({ ca: 'ca.pem', cert: 'worker.pem', key: 'worker.key' });
export const worker = await Domus.open({ address: 'tcp://127.0.0.1:7030', auth });
