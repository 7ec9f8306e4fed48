import { askSocket } from './ask-socket';

/** What a Redis says of itself. */
export interface RedisProbe {
  readonly pid: number;
  /** It answers already, but its data is still being read. */
  readonly loading: boolean;
  /** Where it listens on TCP; 0: nowhere. */
  readonly tcpPort: number;
}

const PROBE_TIMEOUT_MS = 1_000;

/**
 * Asks the Redis behind a Unix socket who it is, with one inline `INFO`, which is answered even while it loads.
 * Null when nobody listens, or whoever does is silent for a second or is no Redis; `refused` when it wants another
 * password.
 *
 * @param password - of the user `default`; null: none. A Redis that wants none takes any.
 */
export async function probeRedis(
  socketPath: string,
  password: string | null,
): Promise<RedisProbe | 'refused' | null> {
  const auth = password === null ? '' : `AUTH default ${password}\r\n`;
  const info = await askSocket(socketPath, `${auth}INFO\r\nQUIT\r\n`, {
    timeoutMs: PROBE_TIMEOUT_MS,
    isEnough: () => false,
  });
  const pid = /^process_id:(\d+)/m.exec(info)?.[1];
  if (pid === undefined) return /^-(NOAUTH|WRONGPASS)/m.test(info) ? 'refused' : null;
  return {
    pid: Number(pid),
    loading: /^loading:[^0]/m.test(info),
    tcpPort: Number(/^tcp_port:(\d+)/m.exec(info)?.[1] ?? 0),
  };
}

/** Whether a Redis says anything at all within a time: a refusal is a sign of life as well. */
export async function isRedisResponsive(socketPath: string, timeoutMs: number): Promise<boolean> {
  return (await askSocket(socketPath, 'PING\r\n', { timeoutMs, isEnough: answer => answer !== '' })) !== '';
}
