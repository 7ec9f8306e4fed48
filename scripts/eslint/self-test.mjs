/* Checks that the rules report; test/unit/lint-rules.test.ts runs it. A broken rule looks the same as clean code. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ESLint, RuleTester } from 'eslint';
import { importX } from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';
import { IMPORT_SETTINGS } from './import-settings.mjs';
import { LAYERS, layerZones } from './layers.mjs';
import { noCycle } from './no-cycle.mjs';
import { requireSafety } from './require-safety.mjs';
import { requireTsdoc } from './require-tsdoc.mjs';
import { singleImporters } from './single-importers.mjs';

const languageOptions = { parser: tseslint.parser };
const tester = new RuleTester({ languageOptions });
const missing = { errors: [{ messageId: 'missing' }] };

tester.run('require-safety', requireSafety, {
  valid: [
    'const a = [1] as const;',
    '// SAFETY: checked above.\nconst a = b as string;',
    'f({\n  // SAFETY: never used.\n  a: {} as A,\n  b: {} as B,\n});',
    '// SAFETY: the index is in range.\nreturnValue = a[0]!;',
    '/** Doc. */\n// SAFETY: checked above.\nexport const a = b as string;',
  ],
  invalid: [
    { code: 'const a = b as string;', ...missing },
    { code: '// because\nconst a = b as string;', ...missing },
    { code: '// SAFETY:\nconst a = b as string;', ...missing },
    { code: 'a[0]!;', ...missing },
    {
      code: '// SAFETY: of the line below only.\nconst a = b as string;\nconst c = d as string;',
      ...missing,
    },
    { code: 'const a = b as string; // SAFETY: too late to be read first', ...missing },
  ],
});

tester.run('require-tsdoc', requireTsdoc, {
  valid: [
    '/** Doc. */\nexport const a = 1;',
    '/** Doc. */\nexport function f(a: string): void;\nexport function f(a: number): void;\nexport function f() {}',
    "export type { A } from './a';",
    'const a = 1;',
  ],
  invalid: [
    { code: 'export const a = 1;', ...missing },
    { code: '// Not a doc comment.\nexport interface A {}', ...missing },
    { code: '/* Nor is this. */\nexport class A {}', ...missing },
    { code: '/** Of something else. */\n\nexport type A = 1;', ...missing },
    { code: 'export default class {}', ...missing },
  ],
});

const folders = readdirSync('src', { withFileTypes: true }).filter(entry => entry.isDirectory());
const strangers = folders.map(({ name }) => `src/${name}`).filter(folder => !LAYERS.flat().includes(folder));
assert.deepEqual(strangers, [], 'every folder of src has its place in scripts/eslint/layers.mjs');

const base = {
  files: ['**/*.ts'],
  languageOptions,
  plugins: { 'import-x': importX, '@typescript-eslint': tseslint.plugin },
  settings: IMPORT_SETTINGS,
};
const layers = { ...base, rules: { 'import-x/no-restricted-paths': ['error', { zones: layerZones() }] } };
const eslint = new ESLint({ overrideConfigFile: true, overrideConfig: [layers, ...singleImporters()] });

/** The number of errors that one line of imports gives in a file of that name. */
async function errors(filePath, code) {
  const [result] = await eslint.lintText(`${code}\n`, { filePath });
  return result.messages.filter(({ severity }) => severity === 2).length;
}

const cases = [
  // [file, code, errors]
  ['src/core/x.ts', "import '../redis/keys';", 1],
  ['src/core/x.ts', "import type { A } from '../redis/keys';", 1],
  ['src/redis/x.ts', "import '../core/ids';", 0],
  ['src/config/x.ts', "import '../core/ids';", 1],
  ['src/store/x.ts', "import '../metrics/metrics';", 1],
  ['src/engine/x.ts', "import '../deps';", 1],
  ['machines/x.ts', "import '../src/core/ids';", 1],
  ['machines/session/x.ts', "import 'node:fs';", 1],
  ['machines/session/x.ts', "import { setup } from 'xstate';", 0],
  ['machines/session/x.ts', "import { transition } from 'xstate';", 1],
  ['machines/step.ts', "import { transition } from 'xstate';", 0],
  ['workers/x.ts', "import '../src/deps';", 1],
  ['workers/main.ts', "import '../src/deps';", 0],
  ['workers/app.ts', "import '../src/supervisor/main';", 0],
  ['workers/x.ts', "import './main';", 1],
  ['src/blobs/x.ts', "import { S3Client } from '@aws-sdk/client-s3';", 0],
  ['src/http/x.ts', "import { S3Client } from '@aws-sdk/client-s3';", 1],
  ['src/blobs/x.ts', "import '../profiles/entry-names';", 1],
  ['src/profiles/x.ts', "import { pack } from 'tar-stream';", 0],
  ['workers/x.ts', "import { pack } from 'tar-stream';", 1],
  ['workers/keeper/x.ts', "import '../../src/core/ids';", 0],
  ['workers/keeper/x.ts', "import '../../src/redis/keys';", 1],
  ['workers/x.ts', "import './keeper/door/protocol';", 0],
  ['workers/x.ts', "import './keeper/process/run-root';", 1],
  ['workers/launch/x.ts', "import type { User } from '../keeper/process/run-root';", 1],
  ['workers/launch/x.ts', "import { KeeperError } from '../keeper/door/protocol';", 0],
  ['workers/keeper/door/x.ts', "import '../process/run-root';", 0],
  ['src/supervisor/x.ts', "import '../../workers/keeper/host';", 0],
  ['src/supervisor/x.ts', "import '../../workers/keeper/process/run-root';", 1],
  ['src/client/x.ts', "import '../core/errors';", 1],
  ['src/client/x.ts', "import '../../machines/step';", 1],
  ['src/http/x.ts', "import '../client/session';", 0],
  ['src/cli/x.ts', "import '../client/session';", 0],
  ['src/cli/x.ts', "import '../supervisor/main';", 0],
  ['src/cli/x.ts', "import '../redis/keys';", 1],
  ['src/supervisor/x.ts', "import '../cli/main';", 1],
  ['src/queue/x.ts', "import { Queue } from 'bullmq';", 1],
  ['src/queue/x.ts', "import type { Queue, Worker } from 'bullmq';", 0],
  ['src/queue/producer.ts', "import { Queue } from 'bullmq';", 0],
  ['src/queue/producer.ts', "import { Worker } from 'bullmq';", 1],
  ['src/http/x.ts', "import puppeteer from 'puppeteer';", 1],
  ['src/browser/x.ts', "import puppeteer from 'puppeteer';", 0],
  ['src/browser/x.ts', "import { chromium } from 'playwright-core';", 1],
  ['src/client/x.ts', "import type { Browser } from 'playwright-core';", 0],
  ['src/http/x.ts', "import { env } from 'node:process';", 1],
];
for (const [file, code, expected] of cases) {
  assert.equal(await errors(file, code), expected, `${file}: ${code}`);
}

/* `a` and `b` need each other's types, `c` needs both, and nobody needs `c`. */
const cycle = {
  'a.ts': "import type { B } from './b';\nexport interface A { b: B }",
  'b.ts': "export interface B { a: import('./a').A }",
  'c.ts': "import { type A } from './a';\nexport * from './b';\nexport const c: A[] = [];",
};
const dir = mkdtempSync(join(tmpdir(), 'hf-test-'));
try {
  for (const [file, code] of Object.entries(cycle)) writeFileSync(join(dir, file), `${code}\n`);
  const plugins = { holdfast: { rules: { 'no-cycle': noCycle } } };
  const overrideConfig = {
    files: ['**/*.ts'],
    languageOptions,
    plugins,
    rules: { 'holdfast/no-cycle': 'error' },
  };
  const found = await new ESLint({ cwd: dir, overrideConfigFile: true, overrideConfig }).lintFiles('*.ts');
  assert.deepEqual(
    found.map(({ messages }) => messages.map(({ message }) => message)),
    [
      ['This import comes back to this file: b.ts → a.ts.'],
      ['This import comes back to this file: a.ts → b.ts.'],
      [],
    ],
  );
} finally {
  rmSync(dir, { recursive: true });
}
console.log(`${cases.length} import rules and the local rules hold`);
