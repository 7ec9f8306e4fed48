import { InvalidArgumentError, type Command } from 'commander';
import type { Browser } from '../../client/browser';
import type { ApiKeyData, Scope } from '../../client/keys';
import { connect, type Context } from '../context';
import { formatAge } from '../durations';
import { KEYS, withWord } from '../find';
import { duration, example, remote, wholeNumber, type RemoteOptions } from '../options';
import { isForPeople, printAll, printOne, type View } from '../output';
import { NOTHING } from './sessions/views';

type CreateFlags = RemoteOptions & {
  readonly scope?: readonly Scope[];
  readonly tenant?: string;
  readonly expiresIn?: number;
};
type ListFlags = RemoteOptions & { readonly tenant?: string; readonly limit: number };

const PAGE_MAX = 100;
const KEY_WORD = 'its name, its id, or the beginning of its id';

/** API keys as a table. */
function keysView(nowMs: number): View<ApiKeyData> {
  return {
    nameOf: ({ id }) => id,
    columns: [
      { title: 'ID', of: ({ id }) => id, isId: true, width: 16 },
      { title: 'NAME', of: ({ name }) => name, minWidth: 8 },
      { title: 'TENANT', of: ({ tenant }) => tenant },
      { title: 'SCOPES', of: ({ scopes }) => scopes.join(','), minWidth: 8 },
      { title: 'AGE', of: ({ createdAt }) => formatAge(nowMs - Date.parse(createdAt)), align: 'right' },
      {
        title: 'USED',
        of: ({ lastUsedAt }) => (lastUsedAt === null ? NOTHING : formatAge(nowMs - Date.parse(lastUsedAt))),
        align: 'right',
      },
      { title: 'EXPIRES', of: key => expiryOf(key, nowMs), align: 'right' },
    ],
  };
}

/** `holdfast keys …`. */
export function registerKeys(program: Command, context: Context): void {
  const keys = program
    .command('keys')
    .description(
      'Creates, lists and revokes API keys of the installation. Needs a key with the scope admin.',
    );
  registerCreate(keys, context);
  registerList(keys, context);
  registerRevoke(keys, context);
}

function registerCreate(keys: Command, context: Context): void {
  const command = keys
    .command('create')
    .argument('<name>', 'a name for people, such as what the key is for')
    .description('Creates an API key and prints it. It is never shown again.')
    .option(
      '--scope <scope>',
      'what it may do: sessions, view, jobs or admin; may be given several times (sessions)',
      scope,
    )
    .option('--tenant <tenant>', 'for whom it acts (default: as the key that creates it)')
    .option('--expires-in <duration>', 'when it expires, such as 90d (default: never)', duration);
  example(
    remote(command),
    'holdfast keys create "nightly tests" --expires-in 90d',
    'holdfast keys create dashboard --scope view -o json | jq -r .key',
  ).action(
    async (name: string, { scope: scopes = ['sessions'], tenant, expiresIn, ...flags }: CreateFlags) => {
      const asked = { name, scopes, tenant, expiresIn };
      const created = await connect(context, flags).keys.create(asked);
      const { stdout, stderr } = context;
      printOne(
        stdout,
        flags.output,
        created,
        ({ key }) => key,
        ({ id, key, ...rest }) => [
          ['id', id],
          ['name', rest.name],
          ['tenant', rest.tenant],
          ['scopes', rest.scopes.join(',')],
          ['expires', rest.expiresAt ?? NOTHING],
          ['key', key],
        ],
      );
      if (isForPeople(flags.output)) stderr.line('Keep the key now: it is never shown again.');
    },
  );
}

function registerList(keys: Command, context: Context): void {
  const command = keys
    .command('list')
    .alias('ls')
    .description('Lists the API keys, the newest first. Those of HOLDFAST_API_KEYS are not among them.')
    .option('--tenant <tenant>', 'only keys of this tenant')
    .option('--limit <n>', 'the most keys to list', wholeNumber(1, 10_000), 100);
  example(remote(command), 'holdfast keys list', 'holdfast keys list --tenant acme --json').action(
    async ({ tenant, limit, ...flags }: ListFlags) => {
      const { stdout, stderr, clock } = context;
      const { found, isMore } = await read(connect(context, flags), tenant, limit);
      printAll(stdout, flags.output, found, keysView(clock.nowMs()), { keys: found });
      if (isMore) stderr.line(`There are more than ${limit} keys: raise --limit to see them.`);
    },
  );
}

function registerRevoke(keys: Command, context: Context): void {
  const command = keys
    .command('revoke')
    .argument('<id>', KEY_WORD)
    .description('Revokes an API key, and closes what was opened with it.');
  example(remote(command), 'holdfast keys revoke 5f0c1d2e3a4b5c6d').action(
    async (id: string, flags: RemoteOptions) => {
      const client = connect(context, flags);
      const revoked = await withWord(KEYS, client, id, async one => {
        await client.keys.revoke(one);
        return one;
      });
      printOne(
        context.stdout,
        flags.output,
        { id: revoked },
        key => key.id,
        key => [['id', key.id]],
      );
    },
  );
}

async function read(
  { keys }: Browser,
  tenant: string | undefined,
  limit: number,
): Promise<{ readonly found: ApiKeyData[]; readonly isMore: boolean }> {
  const found: ApiKeyData[] = [];
  // One more than requested, to know whether there are more.
  for await (const key of keys.list({ tenant, limit: Math.min(PAGE_MAX, limit + 1) })) {
    if (found.length === limit) return { found, isMore: true };
    found.push(key);
  }
  return { found, isMore: false };
}

const SCOPES = ['sessions', 'view', 'jobs', 'admin'] as const satisfies readonly Scope[];

function scope(text: string, before: readonly Scope[] = []): readonly Scope[] {
  const named = SCOPES.find(one => one === text);
  if (named === undefined) throw new InvalidArgumentError(`It must be one of ${SCOPES.join(', ')}.`);
  return before.includes(named) ? before : [...before, named];
}

function expiryOf({ expiresAt }: ApiKeyData, nowMs: number): string {
  if (expiresAt === null) return 'never';
  const ms = Date.parse(expiresAt) - nowMs;
  return ms > 0 ? formatAge(ms) : 'expired';
}
