/* A stand-in for api, worker and keeper: it keeps their contract with the supervisor, and writes a journal. */
const { appendFileSync, existsSync, mkdirSync, readFileSync, realpathSync, rmSync } = require('node:fs');
const { createServer } = require('node:net');
const { basename, dirname, join } = require('node:path');

const role = basename(process.argv[1], '.cjs');
const folder = dirname(process.argv[1]);
const note = event =>
  appendFileSync(join(folder, 'journal'), `${JSON.stringify({ role, event, pid: process.pid })}\n`);
/** A file `<role>.<trait>` in the folder of the stub makes it misbehave. */
const has = trait => existsSync(join(folder, `${role}.${trait}`));

note('start');
if (has('dies-at-once')) process.exit(1);
if (has('refuses-its-settings')) process.exit(2);
process.on('disconnect', () => {
  if (role === 'keeper') return;
  note('disconnect');
  process.exit(0);
});
process.on('SIGTERM', () => {
  note('term');
  if (!has('ignores-term')) process.exit(0);
});
if (has('starts-slowly')) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_000);
if (role === 'keeper') answerAttendance();
else setInterval(() => process.connected && process.send({ beat: true }), 200);
const port = process.env.HOLDFAST_PORT === '0' ? 40_000 : Number(process.env.HOLDFAST_PORT);
note(`redis ${process.env.REDIS_URL}`);
process.send({ ready: true, ...(role === 'api' ? { url: `http://127.0.0.1:${port}` } : {}) });

/** Answers what the supervisor asks a keeper on its socket. */
function answerAttendance() {
  const run = join(realpathSync(process.env.HOLDFAST_DATA_DIR), 'run');
  mkdirSync(run, { recursive: true });
  rmSync(join(run, 'keeper.sock'), { force: true });
  const keeperStartedAt = readFileSync('/proc/self/stat', 'latin1').replace(/.*\) /, '').split(' ')[19];
  const ok = { hostId: 'stub', keeperPid: process.pid, keeperStartedAt };
  createServer(socket => {
    socket.on('error', () => undefined);
    socket.on('data', () => socket.write(`${JSON.stringify({ id: 1, ok })}\n`));
  }).listen(join(run, 'keeper.sock'));
}
