/** Environment variable with the id of a test run: each process of the run inherits it, each folder starts with it. */
export const RUN_ID_VARIABLE = 'HF_TEST_RUN';
