import WebSocket from 'ws';

/** How the server answered an upgrade. */
export type UpgradeAnswer =
  { readonly socket: WebSocket } | { readonly status: number; readonly code: string | undefined };

/** Knocks at a WebSocket URL as a bare client; whoever gets a socket must close it. */
export async function knock(url: string, headers: Record<string, string> = {}): Promise<UpgradeAnswer> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { headers, perMessageDeflate: false });
    socket.once('open', () => resolve({ socket }));
    socket.once('unexpected-response', (_request, response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        // SAFETY: every refusal of ours is a problem document; anything else fails here or in the test.
        const { code } = JSON.parse(Buffer.concat(chunks).toString()) as { code?: string };
        resolve({ status: response.statusCode ?? 0, code });
      });
    });
    socket.on('error', reject); // after an answer there is nobody left to reject
  });
}

/** Like {@link knock}, where only a socket will do. */
export async function open(url: string): Promise<WebSocket> {
  const answer = await knock(url);
  if (!('socket' in answer)) throw new Error(`the upgrade was refused: ${JSON.stringify(answer)}`);
  return answer.socket;
}
