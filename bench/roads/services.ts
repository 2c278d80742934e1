/**
 * Calls of this fabric, as a user makes them: a service of two procedures without schemas, a provider that an address names, and
 * every setting at its default. `unary`: `depth` loops that await one call after the other. `items`: one stream of outputs, read
 * as fast as it comes; one item is one message.
 */
import {
  anyAuthenticatedPeer,
  type Client,
  Imperium,
  serverStream,
  service,
  staticDiscovery,
  unary,
} from '@flaminia/domus/services';
import type { Receiving, Road, Run, Sending } from '../road.ts';
import type { Tally } from '../tally.ts';

/** One call after the other in each loop. */
export const unaryRoad: Road = { receive, send: (run, tally) => send(run, tally, callInLoops) };

/** One stream without end. */
export const itemsRoad: Road = { receive, send: (run, tally) => send(run, tally, readItems) };

const Bench = service('bench', 'v1', {
  echo: unary<Uint8Array, Uint8Array>({ idempotent: true }),
  items: serverStream<Uint8Array, Uint8Array>(),
});

async function receive({ receiver }: Run): Promise<Receiving> {
  const imperium = await Imperium.open({ address: receiver.address, auth: receiver.auth });
  const handlers = { echo: (input: Uint8Array): Uint8Array => input, items: repeat };
  await imperium.provide(Bench, handlers, { verifier: anyAuthenticatedPeer() });
  return { close: () => leave(imperium) };
}

async function* repeat(item: Uint8Array): AsyncGenerator<Uint8Array, void> {
  for (;;) yield item;
}

/** The load on a client: what it does until `isOpen` says no. */
type Load = (client: Client<typeof Bench>, run: Run, tally: Tally, isOpen: () => boolean) => Promise<unknown>;

async function send(run: Run, tally: Tally, load: Load): Promise<Sending> {
  const { receiver, sender } = run;
  const discovery = staticDiscovery([{ address: receiver.address, services: [Bench.taberna.name] }]);
  const imperium = await Imperium.open({ address: sender.address, auth: sender.auth, discovery });
  const client = imperium.client(Bench);
  // The connection stands before the load starts.
  await client.echo(payloadOf(run));
  let open = true;
  const loading = load(client, run, tally, () => open);
  return {
    agreed: '',
    close: async () => {
      open = false;
      await loading;
      await leave(imperium);
    },
  };
}

function callInLoops(client: Client<typeof Bench>, run: Run, tally: Tally, isOpen: () => boolean): Promise<unknown> {
  const payload = payloadOf(run);
  const loop = async (): Promise<void> => {
    while (isOpen()) {
      await client.echo(payload);
      tally.add(1);
    }
  };
  return Promise.all(Array.from({ length: run.plan.depth }, () => loop()));
}

async function readItems(client: Client<typeof Bench>, run: Run, tally: Tally, isOpen: () => boolean): Promise<void> {
  for await (const _item of client.items(payloadOf(run))) {
    tally.add(1);
    if (!isOpen()) break;
  }
}

function payloadOf({ plan }: Run): Uint8Array {
  return new Uint8Array(plan.payloadBytes).fill(7);
}

async function leave(imperium: Imperium): Promise<void> {
  await imperium.leave({ drainTimeout: 0 });
}
