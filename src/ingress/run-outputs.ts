import type { StepOutput } from '../browser/step-actions';
import type { RunStep } from '../browser/steps';
import { randomId } from '../core/ids';
import type { Output } from '../producer/jobs';
import { FILE_MAX_BYTES } from '../store/file-store';
import { JobFailure } from './job-error';
import type { RunParts } from './parts';

/** A value that is larger than this as JSON becomes a file; so do all values once they exceed it together. */
const VALUE_MAX_BYTES = 32 * 2 ** 10;
const VALUES_MAX_BYTES = 64 * 2 ** 10;

/** The outputs of the steps so far, as in the result of the job. */
export class RunOutputs {
  readonly #lines: string[];

  /** @param lines - the outputs that earlier deliveries of the job have stored */
  constructor(
    private readonly parts: RunParts,
    private readonly tenant: string,
    lines: readonly string[],
  ) {
    this.#lines = [...lines];
  }

  /** Every output as JSON, in order. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** Every output, in order. */
  get all(): Output[] {
    // SAFETY: add() has written them.
    return this.#lines.map(line => JSON.parse(line) as Output);
  }

  /**
   * Adds the output of a step.
   *
   * @param number - 1 for the first step
   * @throws JobFailure `step_failed` for a document that is too large to keep.
   */
  async add(number: number, step: RunStep, given: StepOutput): Promise<void> {
    if (given === null) return;
    const name = 'name' in step && step.name !== undefined ? { name: step.name } : {};
    const what =
      'value' in given ? await this.#value(number, step, given.value) : await this.#file(number, step, given);
    this.#lines.push(JSON.stringify({ step: number, ...name, ...what }));
  }

  async #value(number: number, step: RunStep, value: unknown): Promise<Pick<Output, 'value' | 'file'>> {
    const json = JSON.stringify(value);
    const bytes = Buffer.byteLength(json);
    const before = this.#lines.reduce((sum, line) => sum + Buffer.byteLength(line), 0);
    if (bytes <= VALUE_MAX_BYTES && before + bytes <= VALUES_MAX_BYTES) return { value };
    return this.#file(number, step, { bytes: Buffer.from(json), contentType: 'application/json' });
  }

  async #file(
    number: number,
    step: RunStep,
    { bytes, contentType }: { readonly bytes: Buffer; readonly contentType: string },
  ): Promise<Pick<Output, 'file'>> {
    if (bytes.length > FILE_MAX_BYTES) {
      throw new JobFailure(
        'step_failed',
        `step ${number} (${step.do}): ${bytes.length} bytes, but a file may have at most ${FILE_MAX_BYTES}`,
      );
    }
    const id = randomId();
    await this.parts.files.keep(id, { tenant: this.tenant, contentType, content: bytes });
    return { file: { id, url: this.parts.fileUrl(id), contentType, bytes: bytes.length } };
  }
}
