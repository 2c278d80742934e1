// Reading an inbox by hand: one request at a time, at the program's own pace, decided when it likes.
import { devAuth } from '@flaminia/certificates';
import { Domus, DomusError, endpoint, json } from '@flaminia/domus';

const Jobs = endpoint('jobs', json<{ readonly name: string }>());

const worker = await Domus.open({ address: 'tcp://127.0.0.1:7010', auth: devAuth({ nodeId: 'worker-1' }) });
const gateway = await Domus.open({ address: 'tcp://127.0.0.1:7011', auth: devAuth({ nodeId: 'gateway-1' }) });

const inbox = await worker.taberna(Jobs);
const sends = ['paint', 'polish', 'explode'].map((name) => gateway.send(Jobs, { name }, { to: worker.address }));

// `break` keeps the inbox and what waits in it.
for await (const request of inbox) {
  console.log(`accepted: ${request.message.name}, from ${request.from.nodeId}`);
  request.accept();
  if (request.message.name === 'polish') break;
}

// One request, with a limit to the waiting. The decision may travel on its own.
const { message, completion } = (await inbox.receive({ timeout: 5_000 })).split();
console.log(`rejected: ${message.name}`);
completion.reject();

for (const outcome of await Promise.allSettled(sends)) {
  if (outcome.status === 'fulfilled') console.log('the sender knows: accepted');
  else if (DomusError.is(outcome.reason)) console.log(`the sender knows: ${outcome.reason.kind}`);
}
await Promise.all([worker.shutdown(), gateway.shutdown()]);
