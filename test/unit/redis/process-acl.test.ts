import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { keys } from '../../../src/redis/keys';
import { PROCESS_USERS, processRules } from '../../../src/redis/process-acl';

const LUA = join(__dirname, '../../../src/redis/lua');

const commands = (user: (typeof PROCESS_USERS)[number]): string[] =>
  processRules(user).flatMap(rule => (rule.startsWith('+') ? [rule.slice(1)] : []));

describe.each(PROCESS_USERS)('the rights of the Redis user %s', user => {
  it('include every command of our scripts', () => {
    const files = readdirSync(LUA, { recursive: true, encoding: 'utf8' }).filter(file =>
      file.endsWith('.lua'),
    );
    const scripts = files.map(file => readFileSync(join(LUA, file), 'utf8'));
    const used = new Set(
      scripts.flatMap(text =>
        [...text.matchAll(/redis\.p?call\(\s*'(\w+)'/g)].map(([, name]) => name!.toLowerCase()),
      ),
    );
    expect(used.size).toBeGreaterThan(20);
    expect([...used].filter(name => !commands(user).includes(name))).toEqual([]);
  });

  it('are those that the documentation tells operators to give', () => {
    const page = readFileSync(join(__dirname, '../../../docs/redis-acl.md'), 'utf8');
    expect(page).toContain(`\nACL SETUSER ${user} reset on >the-password ${processRules(user).join(' ')}\n`);
  });

  it('have no category, no other key, and nothing that administers Redis', () => {
    for (const rule of processRules(user))
      expect(rule).toMatch(/^(?:resetkeys|resetchannels|-@all|(?:%R)?~\{hf(?:-in)?\}:.+|\+[a-z|]+)$/);
    const forbidden = [
      'keys',
      'scan',
      'flushall',
      'flushdb',
      'config',
      'acl',
      'shutdown',
      'script|flush',
      'debug',
    ];
    expect(commands(user).filter(name => forbidden.includes(name))).toEqual([]);
  });
});

it('a worker has every key but those of API keys, the audit log, and what only creates write', () => {
  const patterns = processRules('worker').flatMap(rule => (rule.startsWith('~') ? [rule.slice(1)] : []));
  const isOpen = (key: string): boolean =>
    patterns.some(pattern =>
      pattern.endsWith('*') ? key.startsWith(pattern.slice(0, -1)) : key === pattern,
    );
  // SAFETY: each is a text, or makes one from texts.
  const made = Object.entries(keys).map(
    ([name, key]) =>
      [name, typeof key === 'string' ? key : (key as (...parts: string[]) => string)('a', 'b', 'c')] as const,
  );
  expect(made.filter(([, key]) => !isOpen(key)).map(([name]) => name)).toEqual([
    'contextNames',
    'contextIndexAll',
    'contextIndexLabel',
    'idempotency',
    'places',
    'apiKeys',
    'apiKeysVersion',
    'audit',
  ]);
});
