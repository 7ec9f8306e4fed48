import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { aclLine, INGRESS_RULES, INGRESS_USER } from '../../../src/redis/ingress-acl';

const read = (file: string): string => readFileSync(join(resolve(__dirname, '../../..'), file), 'utf8');

describe('the rights of other services', () => {
  it('are those that the documentation tells operators to give', () => {
    expect(read('docs/redis-acl.md')).toContain(
      `\nACL SETUSER ${INGRESS_USER} reset on >the-password ${INGRESS_RULES.join(' ')}\n`,
    );
  });

  it('are those in the compose file', () => {
    const [, after = ''] = read('docker-compose.yml').split(`- --user\n      - ${INGRESS_USER}\n`);
    const words = [...(after.split('environment:', 1)[0] ?? '').matchAll(/^ +- '?(.*?)'?$/gm)].map(
      ([, word]) => word,
    );
    expect(words.slice(0, 2)).toEqual(['on', '>${REDIS_INGRESS_PASSWORD:?set it in .env}']);
    expect(words.slice(2)).toEqual(INGRESS_RULES);
  });

  it('name one pattern of keys, and add to nothing', () => {
    expect(INGRESS_RULES.slice(0, 3)).toEqual(['resetkeys', 'resetchannels', '-@all']);
    expect(INGRESS_RULES.filter(rule => /^[~%&]/.test(rule))).toEqual(['~{hf-in}:ingress:*']);
    expect(INGRESS_RULES.filter(rule => rule.startsWith('+@'))).toEqual([]);
  });
});

describe('a line of an ACL file', () => {
  it('holds the digest of the password, not the password', () => {
    expect(aclLine('a', 'secret', ['+ping'])).toBe(
      'user a reset on #2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b +ping',
    );
  });
});
