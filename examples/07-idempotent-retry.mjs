// A job may run twice, as in most queues, but must not open two browsers. The name of the job is the key.
import { Browser } from 'holdfast';

const client = new Browser();
const job = { idempotencyKey: `job-${process.pid}` };

const first = await client.sessions.create({ timeout: 60_000, labels: { job: 'report' } }, job);
const again = await client.sessions.create({ timeout: 60_000, labels: { job: 'report' } }, job);
console.log(`the same session: ${again.id === first.id}`);

// Other options under the same key are a mistake, so the service answers with an error.
await client.sessions.create({ timeout: 30_000 }, job).catch(error => console.log(error.code));

await client.sessions.release(first);
