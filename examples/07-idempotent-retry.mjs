// A job that may run twice, as in most queues, and must not open two browsers. Its name is the key.
import { Browser } from 'holdfast';

const client = new Browser();
const job = { idempotencyKey: `job-${process.pid}` };

const first = await client.sessions.create({ timeout: 60_000, labels: { job: 'report' } }, job);
const again = await client.sessions.create({ timeout: 60_000, labels: { job: 'report' } }, job);
console.log(`the same session: ${again.id === first.id}`);

// Another wish under the same key is a mistake, and is called one.
await client.sessions.create({ timeout: 30_000 }, job).catch(error => console.log(error.code));

await client.sessions.release(first);
