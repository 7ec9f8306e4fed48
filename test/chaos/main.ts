import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { runChaos } from './run';

/* `npm run test:chaos -- --seconds 300 --seed 7 --browser chromium --out recording.json` */

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    browser: { type: 'string', default: 'null' },
    out: { type: 'string' },
  },
});

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function main(): Promise<number> {
  const [seconds, seed] = [Number(values.seconds), Number(values.seed)];
  if (!(seconds > 0) || !Number.isSafeInteger(seed)) throw new Error('--seconds and --seed must be numbers');
  const browser = values.browser === 'chromium' ? 'chromium' : 'null';
  say(`chaos for ${seconds} s with seed ${seed}, ${browser} browser`);
  const { recording, faults, violations, ends } = await runChaos({ seconds, seed, browser });
  for (const { atMs, what } of faults) say(`  ${new Date(atMs).toISOString()} ${what}`);
  const creates = recording.calls.filter(({ op }) => op === 'create');
  say(`${faults.length} faults, ${recording.calls.length} calls, ${recording.sessions.length} sessions`);
  say(
    `creates without an answer: ${creates.filter(({ status }) => status === null).length} of ${creates.length}`,
  );
  for (const [reason, count] of Object.entries(ends)) say(`  ${count} × ${reason}`);
  for (const { invariant, session, what } of violations)
    say(`VIOLATION ${invariant} ${session ?? ''}: ${what}`);
  if (values.out !== undefined)
    writeFileSync(values.out, JSON.stringify({ recording, faults, violations }, null, 1));
  say(violations.length === 0 ? 'no violation' : `${violations.length} violations`);
  return violations.length === 0 ? 0 : 1;
}

main().then(
  code => process.exit(code),
  (error: unknown) => {
    say(String(error instanceof Error ? error.stack : error));
    process.exit(1);
  },
);
