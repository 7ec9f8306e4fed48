import { connect } from 'node:net';

/**
 * Sends a question to a Unix socket on a connection of its own. Answers with what has come back when it is enough, when
 * the other side hangs up, or when nothing more comes for `timeoutMs`; an empty string means that nobody is there, or
 * that he is silent.
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
    // Refused and reset mean the same as silence; 'close' follows every error.
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer));
  });
}
