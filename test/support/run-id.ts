/** Environment variable with the id of a test run; every process of the run inherits it, every folder starts with it. */
export const RUN_ID_VARIABLE = 'HF_TEST_RUN';
