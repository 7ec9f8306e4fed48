// Shows the events of a session as they happen, with reason and actor.
import { Browser } from 'holdfast';

const client = new Browser();

const session = await client.sessions.create({ timeout: 1_000 });
for await (const { seq, from, to, cause } of client.sessions.watch(session)) {
  console.log(`${seq}. ${from ?? 'nothing'} → ${to}: ${cause}`);
}
const { status, endReason } = await client.sessions.retrieve(session);
console.log(`in the end it is ${status}: ${endReason}`);
