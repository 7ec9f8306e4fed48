import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { runChaos } from './run';

/* `npm run test:chaos -- --seconds 300 --seed 7 --browser chromium --warm 2 --out recording.json` */

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    browser: { type: 'string', default: 'null' },
    warm: { type: 'string', default: '0' },
    out: { type: 'string' },
  },
});

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function main(): Promise<number> {
  const [seconds, seed] = [Number(values.seconds), Number(values.seed)];
  if (!(seconds > 0) || !Number.isSafeInteger(seed)) throw new Error('--seconds and --seed must be numbers');
  const { browser } = values;
  if (browser !== 'null' && browser !== 'shell' && browser !== 'chromium')
    throw new Error('--browser must be null, shell or chromium');
  const warmBrowsers = Number(values.warm);
  if (!(Number.isSafeInteger(warmBrowsers) && warmBrowsers >= 0)) throw new Error('--warm must be a number');
  if (warmBrowsers > 0 && browser === 'null') throw new Error('null browsers are never warm');
  say(`chaos for ${seconds} s with seed ${seed}, ${browser} browser, ${warmBrowsers} warm at most`);
  const { recording, faults, violations, ends } = await runChaos({ seconds, seed, browser, warmBrowsers });
  for (const { atMs, what, warm } of faults) {
    const beside = warm === null || warm === 0 ? '' : ` (${warm} warm)`;
    say(`  ${new Date(atMs).toISOString()} ${what}${beside}`);
  }
  const reached = recording.visits.filter(({ marks }) => marks !== null).length;
  say(`${reached} looks into browsers, ${recording.visits.length - reached} more that a fault interrupted`);
  const creates = recording.calls.filter(call => call.op === 'create');
  say(`${faults.length} faults, ${recording.calls.length} calls, ${recording.sessions.length} sessions`);
  say(`${creates.filter(({ wish }) => wish.isProxied).length} creates with a proxy`);
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
