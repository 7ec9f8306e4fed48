import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import ts from 'typescript';
import { PackageUser } from '../../support/package-user';
import { errorOfReason } from '../../../src/producer/errors';

const root = resolve(__dirname, '../../..');

describe('the package holdfast/producer', () => {
  let user: PackageUser;
  let dir: string;
  beforeAll(() => {
    user = new PackageUser();
    ({ dir } = user);
  });
  afterAll(() => user.remove());
  const run = (name: string, code: string): string => user.run(name, code);
  const names = 'JobError,SessionProducer,isJobError';

  it('is imported as a module', () => {
    const code = `import * as all from 'holdfast/producer'; console.log(Object.keys(all).sort().join());`;
    expect(run('user.mjs', code)).toBe(names);
  });

  it('is required', () => {
    const code = `console.log(Object.keys(require('holdfast/producer')).sort().join());`;
    expect(run('user.cjs', code)).toBe(names);
  });

  it('brings the schemas of the jobs', () => {
    const code = `console.log(require('holdfast/jobs/session.create.schema.json').title);`;
    expect(run('schema.cjs', code)).toBe('Data of the job session.create, version 1');
  });

  it('imports nothing but BullMQ, ioredis and its own files', () => {
    for (const form of ['esm', 'cjs']) {
      const folder = join(root, 'dist/producer', form);
      for (const name of readdirSync(folder).filter(file => file.endsWith('.js'))) {
        const text = readFileSync(join(folder, name), 'utf8');
        const imported = [...text.matchAll(/(?:from |import |require\()["']([^"']+)["']/g)].map(
          ([, from]) => from,
        );
        expect(imported.filter(from => !/^(\.\/.*|bullmq|ioredis)$/.test(from ?? ''))).toEqual([]);
      }
    }
  });

  it.each(['user.mts', 'user.cts'])('has types that hold in %s', name => {
    const code = `import { SessionProducer, isJobError, type Progress } from 'holdfast/producer';
      export async function use(producer: SessionProducer): Promise<string | null> {
        const job = await producer.create({ timeout: 1_000, dedupKey: 'k' }, { jobId: 'j' });
        for await (const progress of job.progress()) seen(progress);
        const session = await job.result({ timeoutMs: 1, signal: AbortSignal.timeout(1) });
        const run = await producer.run({ sessionId: session.id, steps: [{ do: 'pdf' }] });
        const url = (await run.result()).outputs[0]?.file?.url ?? null;
        // @ts-expect-error: a step that is misspelt is found.
        await producer.run({ steps: [{ do: 'clik', selector: 'a' }] }).catch(error => isJobError(error, 'step_failed'));
        return url;
      }
      declare function seen(progress: Progress): void;`;
    const file = join(dir, name);
    writeFileSync(file, code);
    const program = ts.createProgram([file], {
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      target: ts.ScriptTarget.ES2022,
      lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'],
      types: [],
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: true,
      noEmit: true,
    });
    const problems = ts.getPreEmitDiagnostics(program).map(({ messageText }) => messageText);
    expect(problems).toEqual([]);
  });
});

describe('the reason of a failed job', () => {
  it.each([
    ['queue_timeout: session a is failed', 'queue_timeout', 'session a is failed'],
    ['step_failed: step 3 (click): two\nlines', 'step_failed', 'step 3 (click): two\nlines'],
    ['Missing lock for job 7', 'internal_error', 'Missing lock for job 7'],
    ['', 'internal_error', ''],
  ])('%j has the code %s', (reason, code, message) => {
    expect(errorOfReason(reason, 'j')).toMatchObject({ code, message, jobId: 'j' });
  });
});
