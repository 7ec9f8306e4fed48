import { askSocket } from './ask-socket';

/** What a Redis reports of itself. */
export interface RedisProbe {
  readonly pid: number;
  /** It answers already, but is still loading its data. */
  readonly loading: boolean;
  /** Its TCP port; 0: none. */
  readonly tcpPort: number;
}

const PROBE_TIMEOUT_MS = 1_000;

/**
 * Identifies the Redis behind a Unix socket with one inline `INFO`, which it answers even while it loads. Null if no
 * process listens, or it does not answer for a second, or is not a Redis; `refused` if it wants another password.
 *
 * @param password - of the user `default`; null: none. A Redis without a password accepts any.
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

/** Whether a Redis answers anything within a time: a refusal is a sign of life as well. */
export async function isRedisResponsive(socketPath: string, timeoutMs: number): Promise<boolean> {
  return (await askSocket(socketPath, 'PING\r\n', { timeoutMs, isEnough: answer => answer !== '' })) !== '';
}
