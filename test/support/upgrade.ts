import WebSocket from 'ws';

/** The answer of the server to an upgrade. */
export type UpgradeAnswer =
  { readonly socket: WebSocket } | { readonly status: number; readonly code: string | undefined };

/** Requests an upgrade at a WebSocket URL as a bare client; the caller must close a socket that it gets. */
export async function tryUpgrade(url: string, headers: Record<string, string> = {}): Promise<UpgradeAnswer> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { headers, perMessageDeflate: false });
    socket.once('open', () => resolve({ socket }));
    socket.once('unexpected-response', (_request, response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        // SAFETY: every refusal of the service is a problem document; anything else fails here or in the test.
        const { code } = JSON.parse(Buffer.concat(chunks).toString()) as { code?: string };
        resolve({ status: response.statusCode ?? 0, code });
      });
    });
    socket.on('error', reject); // has no effect after an answer
  });
}

/** Like {@link tryUpgrade}, but fails unless it gets a socket. */
export async function open(url: string): Promise<WebSocket> {
  const answer = await tryUpgrade(url);
  if (!('socket' in answer)) throw new Error(`the upgrade was refused: ${JSON.stringify(answer)}`);
  return answer.socket;
}
