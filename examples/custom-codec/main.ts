import { devAuth } from '@flaminia/certificates';
import { bytes, Domus, DomusError, endpoint } from '@flaminia/domus';
import { Readings } from './readings.ts';

const station = await Domus.open({ address: 'tcp://127.0.0.1:7020', auth: devAuth({ nodeId: 'station-1' }) });
const sensor = await Domus.open({ address: 'tcp://127.0.0.1:7021', auth: devAuth({ nodeId: 'sensor-1' }) });
await station.serve(Readings, ({ sensor: number, celsius }) => console.log(`sensor ${number}: ${celsius} °C`));

await sensor.send(Readings, { sensor: 7, celsius: 21.5 }, { to: station.address });

// Whoever does not keep to the format is told so, and the handler never sees it.
const Anything = endpoint('readings', bytes());
await sensor.send(Anything, new Uint8Array(5), { to: station.address }).catch((error: unknown) => {
  if (DomusError.is(error)) console.log(`${error.kind}, ${error.delivery}`);
});
await Promise.all([station.shutdown(), sensor.shutdown()]);
