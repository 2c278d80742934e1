// A codec of your own: readings of a sensor in 12 bytes. A codec that throws gives the sender a `decode-failure`.
import { a3MessageType, endpoint, type MessageCodec } from '@flaminia/domus';

export interface Reading {
  readonly sensor: number;
  readonly celsius: number;
}

const TYPE = a3MessageType(1);
const BYTES = 12;

const readings: MessageCodec<Reading> = {
  // A promise: what `decode` returns keeps no piece of the payload, so that no copy has to be made for it.
  copies: true,
  encode({ sensor, celsius }) {
    const payload = new Uint8Array(BYTES);
    const view = new DataView(payload.buffer);
    view.setUint32(0, sensor);
    view.setFloat64(4, celsius);
    return { type: TYPE, payload };
  },
  decode({ type, payload }) {
    if (type !== TYPE || payload.length !== BYTES) throw new Error('not a reading');
    const view = new DataView(payload.buffer, payload.byteOffset, BYTES);
    return { sensor: view.getUint32(0), celsius: view.getFloat64(4) };
  },
};

export const Readings = endpoint('readings', readings);
