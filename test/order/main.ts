import { parseArgs } from 'node:util';
import { faultsOf, OrderBench } from './order-run';

/* `npm run test:order -- --runs 50 --seed 1 --jobs 200` */

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    jobs: { type: 'string', default: '200' },
    faults: { type: 'string', default: '3' },
  },
});

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function main(): Promise<number> {
  const [runs, seed, jobs, count] = [values.runs, values.seed, values.jobs, values.faults].map(Number);
  if (![runs, seed, jobs, count].every(Number.isSafeInteger))
    throw new Error('--runs, --seed, --jobs and --faults must be numbers');
  const bench = await OrderBench.start(Number(jobs));
  let bad = 0;
  try {
    for (let run = Number(seed); run < Number(seed) + Number(runs); run += 1) {
      const faults = faultsOf(run, Number(count));
      const result = await bench.run({ name: `order-${run}`, jobs: Number(jobs), faults, seed: run });
      const { asked, made, failures, tookMs } = result;
      const misplaced = asked.findIndex((id, index) => made[index] !== id);
      const isGood = misplaced < 0 && made.length === asked.length && failures.length === 0;
      if (!isGood) bad += 1;
      say(`${isGood ? 'ok ' : 'BAD'} seed ${run}, ${Math.round(tookMs)} ms: ${faults.join(', ')}`);
      if (misplaced >= 0) say(`    ${made[misplaced]} came in the place of ${asked[misplaced]}`);
      if (made.length !== asked.length) say(`    ${made.length} sessions for ${asked.length} jobs`);
      for (const failure of new Set(failures)) say(`    a job failed: ${failure}`);
    }
  } finally {
    await bench.stop();
  }
  say(`${runs} runs, ${bad} of them out of order`);
  return bad === 0 ? 0 : 1;
}

main().then(
  code => process.exit(code),
  (error: unknown) => {
    say(String(error instanceof Error ? error.stack : error));
    process.exit(1);
  },
);
