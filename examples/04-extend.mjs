// Extends a session that needs more time than it was created with.
import { Browser } from 'holdfast';

const client = new Browser();

const session = await client.sessions.create({ timeout: 60_000 });
try {
  // `timeout` counts from the moment at which the session became live, not from now.
  const longer = await client.sessions.update(session, { timeout: 120_000 });
  const gainedMs = Date.parse(longer.expiresAt) - Date.parse(session.expiresAt);
  console.log(`it may live ${gainedMs / 1_000} s longer`);

  // ifRevision protects the changes of other clients: this call has the revision from before the first update.
  const late = { ifRevision: session.revision };
  await client.sessions.update(session, { timeout: 90_000 }, late).catch(error => console.log(error.code));
} finally {
  await client.sessions.release(session);
}

await client.sessions.update(session, { timeout: 180_000 }).catch(error => {
  console.log(`${error.code}: ${error.sessionStatus}, ${error.endReason}`);
});
