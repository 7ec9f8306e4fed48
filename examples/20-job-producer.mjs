// A service that works with queues: it asks for a session with a job, and never calls the API.
import { isJobError, SessionProducer } from 'holdfast/producer';

const producer = new SessionProducer({ redisUrl: process.env.HOLDFAST_REDIS_URL });

const job = await producer.create({
  timeout: 60_000,
  labels: { by: 'job' },
  dedupKey: `order-${process.pid}`,
});
const session = await job.result({ timeoutMs: 30_000 });
console.log(`the session is ${session.status}, for ${session.timeout / 1_000} s`);
console.log(`its websocketUrl leads to this session alone: ${session.websocketUrl.includes(session.id)}`);

// The same job once more, as after a crash of this service, gives the same session.
const again = await producer.create({
  timeout: 60_000,
  labels: { by: 'job' },
  dedupKey: `order-${process.pid}`,
});
console.log(`asked again, the same session: ${(await again.result()).id === session.id}`);

const longer = await (await producer.extend(session.id, { timeout: 120_000 })).result();
console.log(`now it may live ${longer.timeout / 1_000} s`);

const { status, endReason } = await (await producer.release(session.id)).result();
console.log(`the session is ${status}: ${endReason}`);

// An error has a stable code.
const wrong = await producer.create({ timeout: 1 });
await wrong.result().catch(error => console.log(isJobError(error, 'invalid_request') ? error.code : error));

// A job can be cancelled before a consumer has begun with it.
const later = await producer.create({}, { delayMs: 60_000 });
console.log(`cancelled: ${await later.cancel()}`);

await producer.close();
