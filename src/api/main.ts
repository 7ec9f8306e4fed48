import { ConfigError } from '../config/config';
import { runProcess, type ProcessContext, type Program } from '../core/run-process';
import { startApi, type Api } from './app';

const CLOSE_LIMIT_MS = 4_000;

function open({ config, log }: ProcessContext): Program {
  const { redisUrl } = config;
  if (redisUrl === null) throw new ConfigError(['REDIS_URL: the API needs it']);
  let api: Api | null = null;
  return {
    start: async () => {
      api = await startApi(config, redisUrl, log);
      return { url: api.url };
    },
    close: async () => api?.close(),
  };
}

void runProcess({ name: 'api', supervisor: 'ends', closeLimitMs: CLOSE_LIMIT_MS, open }).then(code =>
  process.exit(code),
);
