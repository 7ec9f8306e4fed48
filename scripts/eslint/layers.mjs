/**
 * The layers, bottom first. A file imports from lower layers and from its own folder; folders of one layer do not
 * import each other. `machines` is at the bottom: it does no I/O and imports only XState. So is `src/client`, a
 * separate package that knows only the API. `src/producer` is another one: it knows the queue for other services and
 * the types of the client.
 */
export const LAYERS = [
  ['machines', 'src/client'],
  ['src/producer'],
  ['src/config'],
  ['src/core'],
  ['src/redis'],
  ['src/store', 'src/queue', 'src/browser', 'src/metrics', 'src/profiles', 'src/blobs'],
  ['src/engine'],
  ['src/commands', 'src/queries'],
  ['src/contract'],
  ['src/http', 'src/ingress', 'workers'],
  ['src/cli', 'src/supervisor', 'src/api', 'src/deps.ts', 'workers/app.ts', 'workers/main.ts'],
];

/** Mains and composition roots that live in a folder of a lower layer. */
const ROOTS = ['workers/app.ts', 'workers/main.ts'];

/** What the command line may import: it knows the service only as an address, and as a program to start. */
const CLI_IMPORTS = ['src/cli', 'src/client', 'src/supervisor', 'src/core', 'src/config'];

/** What other programs may import of the keeper: how to speak with it, its host, whether a browser starts there. */
const KEEPER_EXPORTS = ['./door/protocol.ts', './host.ts', './chromium-proof.ts'];

/** What a dialect reaches through commands and queries only. */
const BELOW_QUERIES = ['./src/store', './src/queue', './src/redis'];

const CORE = LAYERS.findIndex(layer => layer.includes('src/core'));

const here = path => `./${path}`;

/** The folder as a target of rules, without the composition roots in it. */
function exceptRoots(folder) {
  const roots = ROOTS.filter(root => root.startsWith(`${folder}/`));
  if (roots.length === 0) return here(folder);
  const names = roots.map(root => root.slice(folder.length + 1, -'.ts'.length));
  return [`./${folder}/*/**`, `./${folder}/!(${names.join('|')}).ts`];
}

/** Zones of `import-x/no-restricted-paths`: a file in `target` imports nothing from `from`. */
export function layerZones() {
  const zones = LAYERS.slice(0, -1).flatMap((layer, level) =>
    layer.map(folder => ({
      target: exceptRoots(folder),
      from: [...LAYERS.slice(level + 1).flat(), ...layer.filter(other => other !== folder)].map(here),
      message: `${folder} is in layer ${level}: it imports from lower layers only (scripts/eslint/layers.mjs).`,
    })),
  );
  const keeper = 'The keeper imports only src/core, src/config and types: no Redis, no queue, no engine.';
  return [
    ...zones,
    {
      target: './workers/keeper',
      from: LAYERS.slice(CORE + 1)
        .flat()
        .filter(path => path !== 'workers')
        .map(here),
      message: keeper,
    },
    { target: './workers/keeper', from: './workers', except: ['./keeper'], message: keeper },
    {
      target: ['./src', './observability', './workers/*.ts', './workers/!(keeper)/**'],
      from: './workers/keeper',
      except: KEEPER_EXPORTS,
      message: `The keeper is a separate program: import only ${KEEPER_EXPORTS.join(', ')} of it.`,
    },
    {
      target: './src/http/dialects',
      from: BELOW_QUERIES,
      message: 'A dialect translates to commands and queries: it reaches no store and no queue (ADR 57).',
    },
    {
      target: [
        ...LAYERS.flat()
          .filter(path => path !== 'src/http')
          .map(here),
        './src/http/*.ts',
        './src/http/!(dialects)/**',
      ],
      from: './src/http/dialects/*/**',
      message: 'Only src/http/dialects/dialects.ts names a dialect (ADR 57).',
    },
    {
      target: './src/cli',
      from: LAYERS.flat()
        .filter(path => !CLI_IMPORTS.includes(path))
        .map(here),
      message: `The command line is a client of the service: it imports only ${CLI_IMPORTS.join(', ')}.`,
    },
    {
      target: LAYERS.flat()
        .filter(path => path !== 'src/cli')
        .map(here),
      from: './src/cli',
      message: 'Nothing imports the command line.',
    },
  ];
}
