/** Something that setup cannot put right; `lines` say what the user can do. */
export class SetupError extends Error {
  constructor(message, lines = []) {
    super(message);
    this.lines = lines;
  }
}

/** Tells what is being done; stderr, so that the output of what runs next stays clean. */
export function say(line) {
  process.stderr.write(`setup: ${line}\n`);
}
