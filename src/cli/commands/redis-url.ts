import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Command } from 'commander';
import type * as ConfigModule from '../../config/config';
import { readEnv } from '../../config/env';
import type * as AccessModule from '../../supervisor/redis-access';
import type { Context } from '../context';
import { EXIT, ReportedFailure } from '../exit-codes';
import { example } from '../options';

/** Loaded on demand: most commands need no settings. */
const load = createRequire(__filename);

/** `holdfast redis-url`. */
export function registerRedisUrl(program: Command, { stdout, stderr }: Context): void {
  const command = program
    .command('redis-url')
    .description(
      'Prints the Redis URL for services that send jobs to this machine. Its user can do nothing else. ' +
        'Reads HOLDFAST_DATA_DIR.',
    );
  example(command, 'REDIS_URL=$(holdfast redis-url) node my-service.js').action(async () => {
    // SAFETY: these are the modules of those names.
    const { envToConfig } = load('../../config/config') as typeof ConfigModule;
    // SAFETY: the same.
    const { readRedisAccess } = load('../../supervisor/redis-access') as typeof AccessModule;
    const { dataDir } = envToConfig(readEnv());
    const access = await readRedisAccess(join(dataDir, 'redis'));
    const url = access?.ingressUrl ?? null;
    if (url !== null) {
      stdout.line(url);
      return;
    }
    stderr.line(
      `holdfast: the Redis of ${dataDir} is not open to other services; ` +
        'restart with HOLDFAST_REDIS_PORT, for example 6390',
    );
    throw new ReportedFailure(EXIT.notFound);
  });
}
