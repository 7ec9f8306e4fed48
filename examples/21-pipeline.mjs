// A pipeline of two services: one makes sessions and passes on their ids, the other runs steps in them. Between them is
// a queue of their own; here an array stands for it. Neither service opens a browser itself.
import { SessionProducer } from 'holdfast/producer';

const redisUrl = process.env.HOLDFAST_REDIS_URL;
const handedOn = [];

// The first service.
const maker = new SessionProducer({ redisUrl });
for (const part of ['one', 'two']) {
  const job = await maker.create({ timeout: 60_000, labels: { part } });
  const { id } = await job.result();
  handedOn.push({ part, sessionId: id });
}
await maker.close();
console.log(`sessions handed on: ${handedOn.length}`);

// The second service, elsewhere and later.
const runner = new SessionProducer({ redisUrl });
for (const { part, sessionId } of handedOn) {
  const job = await runner.run({
    sessionId,
    steps: [
      { do: 'goto', url: `data:text/html,<h1>part ${part}</h1>` },
      { do: 'extract', selector: 'h1', name: 'title' },
      { do: 'screenshot', name: 'proof' },
    ],
    then: 'release',
  });
  const { session, outputs } = await job.result();
  const [title, proof] = outputs;
  const picture = await fetch(proof.file.url);
  console.log(`${title.name}: ${title.value}; ${proof.name}: ${picture.headers.get('content-type')}`);
  console.log(`the session is ${session.status}`);
}

// When a step fails, the error says which step it was, and the session is still released.
const failing = await runner.run({ steps: [{ do: 'click', selector: '#nowhere', timeout: 100 }] });
await failing.result().catch(error => console.log(`${error.code}: ${error.message.split(':')[0]}`));
await runner.close();
