const message = (what, where) => `${what} is allowed only in ${where}.`;

/**
 * Modules that only one place may import, so that a change of such a module needs one place to be read.
 * Each entry is an option of `no-restricted-imports`; `allowedIn` lists the files that it does not apply to, if any.
 */
const RULES = [
  {
    allowedIn: ['machines/step.ts'],
    paths: [
      {
        name: 'xstate',
        importNames: [
          'transition',
          'initialTransition',
          'getNextSnapshot',
          'getInitialSnapshot',
          'createActor',
          'interpret',
        ],
        message: message('Stepping a machine', 'machines/step.ts'),
      },
    ],
  },
  {
    allowedIn: ['src/queue/producer.ts', 'src/producer/**'],
    paths: [
      {
        name: 'bullmq',
        importNames: ['Queue', 'FlowProducer', 'JobScheduler'],
        allowTypeImports: true,
        message: message('Adding jobs', 'src/queue/producer.ts and src/producer'),
      },
    ],
  },
  {
    allowedIn: ['src/queue/consumer.ts', 'workers/consumers/**'],
    paths: [
      {
        name: 'bullmq',
        importNames: ['Worker'],
        allowTypeImports: true,
        message: message('Consuming jobs', 'src/queue/consumer.ts and workers/consumers'),
      },
    ],
  },
  {
    allowedIn: ['src/browser/**'],
    patterns: [
      {
        group: ['puppeteer', 'puppeteer-core', 'puppeteer/*', 'puppeteer-core/*'],
        allowTypeImports: true,
        message: message('Puppeteer', 'src/browser'),
      },
    ],
  },
  {
    allowedIn: ['src/http/queue-board/**'],
    patterns: [
      {
        group: ['@bull-board/*', '@bull-board/*/**'],
        message: message('Bull Board, which is loaded late,', 'src/http/queue-board'),
      },
    ],
  },
  {
    allowedIn: ['src/blobs/**'],
    patterns: [
      {
        group: ['@aws-sdk/*'],
        message: message('The SDK of S3, which is loaded late,', 'src/blobs'),
      },
    ],
  },
  {
    allowedIn: ['src/profiles/**'],
    paths: [{ name: 'tar-stream', message: message('tar', 'src/profiles') }],
  },
  {
    allowedIn: [],
    patterns: [
      {
        group: ['playwright', 'playwright-core', 'playwright/*', 'playwright-core/*'],
        allowTypeImports: true,
        message: 'Playwright belongs to tests and to callers; the client library loads theirs by name.',
      },
    ],
  },
  {
    allowedIn: ['src/config/env.ts'],
    patterns: [
      {
        regex: '^(node:)?process$',
        importNames: ['env'],
        message: message('The environment', 'src/config/env.ts'),
      },
    ],
  },
];

const MACHINES_ONLY = {
  regex: '^(?!\\.{1,2}/|xstate$)',
  message: 'A machine is pure: it imports xstate and its own folder.',
};

const options = (rules, extraPatterns = []) => [
  'error',
  {
    paths: rules.flatMap(rule => rule.paths ?? []),
    patterns: [...rules.flatMap(rule => rule.patterns ?? []), ...extraPatterns],
  },
];

const RULE = '@typescript-eslint/no-restricted-imports';

/** ESLint config objects: every restriction applies everywhere except in its `allowedIn`. */
export function singleImporters() {
  return [
    { files: ['src/**/*.ts', 'workers/**/*.ts'], rules: { [RULE]: options(RULES) } },
    { files: ['machines/**/*.ts'], rules: { [RULE]: options(RULES, [MACHINES_ONLY]) } },
    ...RULES.filter(({ allowedIn }) => allowedIn.length > 0).map(allowed => ({
      files: allowed.allowedIn,
      rules: {
        [RULE]: options(
          RULES.filter(rule => rule !== allowed),
          allowed.allowedIn.some(file => file.startsWith('machines/')) ? [MACHINES_ONLY] : [],
        ),
      },
    })),
  ];
}
