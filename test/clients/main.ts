import { readdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { CLIENT_EXAMPLES, type ClientExample } from './client-examples';
import { ExampleBench, FOLDER } from './example-bench';

/* `npm run test:clients`, or `npm run test:clients -- stagehand lighthouse` for files with one of these names. */

const { positionals: names } = parseArgs({ allowPositionals: true });

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const labelOf = ({ file, version }: ClientExample): string =>
  version === undefined ? file : `${file} with ${version.instead}`;

async function main(): Promise<number> {
  const tested = new Set(CLIENT_EXAMPLES.map(({ file }) => file));
  const untested = readdirSync(FOLDER).filter(name => name.endsWith('.mjs') && !tested.has(name));
  if (untested.length > 0) throw new Error(`no test runs ${untested.join(', ')}`);
  const chosen = CLIENT_EXAMPLES.filter(
    ({ file }) => names.length === 0 || names.some(name => file.includes(name)),
  );
  if (chosen.length === 0) throw new Error(`no example is called ${names.join(' or ')}`);
  const bad: string[] = [];
  const bench = await ExampleBench.start();
  try {
    for (const example of chosen) {
      const { faults, output, tookMs } = await bench.run(example);
      say(`${faults.length === 0 ? 'ok ' : 'BAD'} ${labelOf(example)}, ${Math.round(tookMs)} ms`);
      if (faults.length === 0) continue;
      bad.push(labelOf(example));
      for (const fault of faults) say(`    ${fault}`);
      say(output.replace(/^/gm, '    | '));
    }
  } finally {
    await bench.stop();
  }
  say(`${chosen.length} runs, ${bad.length} bad${bad.map(label => `\n  ${label}`).join('')}`);
  return bad.length === 0 ? 0 : 1;
}

main().then(
  code => process.exit(code),
  (error: unknown) => {
    say(String(error instanceof Error ? error.stack : error));
    process.exit(1);
  },
);
