/* A stand-in for api, worker and keeper, as far as a supervisor can tell: it keeps the contract and a journal. */
const { appendFileSync, existsSync } = require('node:fs');
const { basename, dirname, join } = require('node:path');

const role = basename(process.argv[1], '.cjs');
const folder = dirname(process.argv[1]);
const note = event =>
  appendFileSync(join(folder, 'journal'), `${JSON.stringify({ role, event, pid: process.pid })}\n`);
/** A file `<role>.<trait>` beside the stub makes it misbehave. */
const has = trait => existsSync(join(folder, `${role}.${trait}`));

note('start');
if (has('dies-at-once')) process.exit(1);
process.on('disconnect', () => {
  if (role === 'keeper') return;
  note('disconnect');
  process.exit(0);
});
process.on('SIGTERM', () => {
  note('term');
  if (!has('ignores-term')) process.exit(0);
});
setInterval(() => undefined, 60_000);
const port = process.env.HOLDFAST_PORT === '0' ? 40_000 : Number(process.env.HOLDFAST_PORT);
note(`redis ${process.env.REDIS_URL}`);
process.send({ ready: true, ...(role === 'api' ? { url: `http://127.0.0.1:${port}` } : {}) });
