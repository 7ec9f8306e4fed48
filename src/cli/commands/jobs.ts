import type { Command } from 'commander';
import type { Jobs, QuarantinedJob, QuarantinedJobWithData } from '../../client/jobs';
import { connect, type Context } from '../context';
import { formatAge } from '../durations';
import { exitCodeOf, ReportedFailure } from '../exit-codes';
import { printFailure } from '../failure';
import { JOBS, withWord } from '../find';
import { example, remote, wholeNumber, type RemoteOptions } from '../options';
import { printAll, printOne, type View } from '../output';
import { NOTHING } from './sessions/views';

type ListFlags = RemoteOptions & { readonly queue?: string; readonly limit: number };

const PAGE_MAX = 100;
const JOB_WORD = 'its id, or the beginning of it';
const SOME_ID = '01a1f7a3-7f86-7888-b3d1-8c6f8e66dca5';

/** Jobs in quarantine as a table. */
export function jobsView(nowMs: number): View<QuarantinedJob> {
  return {
    nameOf: ({ id }) => id,
    columns: [
      { title: 'ID', of: ({ id }) => id, isId: true, width: 36 },
      { title: 'AGE', of: ({ at }) => formatAge(nowMs - Date.parse(at)), align: 'right' },
      { title: 'QUEUE', of: ({ queue }) => queue },
      { title: 'NAME', of: ({ name }) => name, minWidth: 8 },
      { title: 'REASON', of: ({ reason }) => reason, colour: () => 'yellow', minWidth: 12 },
      { title: 'DETAIL', of: ({ detail }) => detail, minWidth: 12 },
    ],
  };
}

/** `holdfast jobs …`. */
export function registerJobs(program: Command, context: Context): void {
  const jobs = program.command('jobs').description('Lists, retries and discards jobs in quarantine.');
  registerList(jobs, context);
  registerShow(jobs, context);
  registerOrder(
    jobs,
    context,
    'retry',
    'Puts jobs in quarantine back into their queues, unchanged.',
    async (client, id) => {
      const { queue, jobId } = await client.retry(id);
      return { id, queue, jobId };
    },
  );
  registerOrder(jobs, context, 'discard', 'Discards jobs in quarantine.', async (client, id) => {
    await client.discard(id);
    return { id };
  });
}

function registerList(jobs: Command, context: Context): void {
  const command = jobs
    .command('list')
    .alias('ls')
    .description('Lists the jobs in quarantine, the newest first.')
    .option('--queue <queue>', 'launch, sessions, timers, ingress or accepted')
    .option('--limit <n>', 'the most jobs to list', wholeNumber(1, 1_000), 50);
  example(
    remote(command),
    'holdfast jobs list --queue ingress',
    'holdfast jobs list --json | jq .jobs[].reason',
  ).action(async (flags: ListFlags) => {
    const { found, isMore } = await read(connect(context, flags).jobs, flags);
    printAll(context.stdout, flags.output, found, jobsView(context.clock.nowMs()), { jobs: found });
    if (isMore) context.stderr.line(`There are more than ${flags.limit} jobs: raise --limit to see them.`);
  });
}

function registerShow(jobs: Command, context: Context): void {
  const command = jobs
    .command('show')
    .argument('<id>', JOB_WORD)
    .description('Shows a job with its payload, which may contain secrets of its sender.');
  example(remote(command), `holdfast jobs show ${SOME_ID}`).action(
    async (id: string, flags: RemoteOptions) => {
      const client = connect(context, flags);
      const job = await withWord(JOBS, client, id, async one => client.jobs.get(one));
      printOne(context.stdout, flags.output, job, found => found.id, rowsOf);
    },
  );
}

/** The outcome for one job, and where it is now if it still exists. */
interface Settled {
  readonly id: string;
  readonly queue?: string;
  readonly jobId?: string;
}

const SETTLED: View<Settled> = {
  nameOf: ({ id }) => id,
  columns: [
    { title: 'ID', of: ({ id }) => id },
    { title: 'QUEUE', of: ({ queue = NOTHING }) => queue },
    { title: 'JOB', of: ({ jobId = NOTHING }) => jobId },
  ],
};

function registerOrder(
  jobs: Command,
  context: Context,
  order: 'retry' | 'discard',
  description: string,
  carryOut: (client: Jobs, id: string) => Promise<Settled>,
): void {
  const command = jobs.command(order).argument('<id...>', JOB_WORD).description(description);
  example(remote(command), `holdfast jobs ${order} ${SOME_ID}`).action(
    async (ids: readonly string[], flags: RemoteOptions) => {
      const { stdout, stderr } = context;
      const client = connect(context, flags);
      const settled: Settled[] = [];
      const failures: unknown[] = [];
      // One after the other, to keep this order in the queue; every id is tried.
      for (const id of ids) {
        await withWord(JOBS, client, id, async one => carryOut(client.jobs, one)).then(
          one => settled.push(one),
          (error: unknown) => failures.push(error),
        );
      }
      if (settled.length > 0) printAll(stdout, flags.output, settled, SETTLED, { jobs: settled });
      for (const failure of failures) printFailure(stderr, failure, flags.output);
      if (failures.length > 0) throw new ReportedFailure(exitCodeOf(failures[0]));
    },
  );
}

async function read(
  jobs: Jobs,
  { queue, limit }: ListFlags,
): Promise<{ readonly found: QuarantinedJob[]; readonly isMore: boolean }> {
  const found: QuarantinedJob[] = [];
  // One more than requested, to know whether there are more.
  for await (const job of jobs.list({ queue, limit: Math.min(PAGE_MAX, limit + 1) })) {
    if (found.length === limit) return { found, isMore: true };
    found.push(job);
  }
  return { found, isMore: false };
}

const rowsOf = (job: QuarantinedJobWithData): readonly (readonly [string, string])[] => [
  ['id', job.id],
  ['queue', job.queue],
  ['job', job.jobId],
  ['name', job.name],
  ['reason', job.reason],
  ['detail', job.detail],
  ['at', job.at],
  ['size', `${job.size} bytes${job.truncated ? ', only the beginning is shown' : ''}`],
  ['data', job.data],
];
