/** A problem that setup cannot solve; `lines` say what the user can do. */
export class SetupError extends Error {
  constructor(message, lines = []) {
    super(message);
    this.lines = lines;
  }
}

/** Prints progress to stderr, so that the output of the next program stays clean. */
export function log(line) {
  process.stderr.write(`setup: ${line}\n`);
}
