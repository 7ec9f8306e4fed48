import { connect } from 'node:net';

/**
 * Sends a request to a Unix socket on a new connection. Returns the bytes received when they are enough, when the other
 * side closes, or when nothing more comes for `timeoutMs`. An empty string means that no process listens there, or that
 * it does not answer.
 */
export async function askSocket(
  socketPath: string,
  question: string,
  { timeoutMs, isEnough }: { timeoutMs: number; isEnough: (answer: string) => boolean },
): Promise<string> {
  return new Promise(resolve => {
    let answer = '';
    const socket = connect(socketPath, () => socket.write(question));
    socket.setEncoding('utf8').setTimeout(timeoutMs, () => socket.destroy());
    socket.on('data', text => {
      answer += text.toString();
      if (isEnough(answer)) socket.destroy();
    });
    // A refused or reset connection is treated like no answer; 'close' follows every error.
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer));
  });
}
