/* Jest takes `testTimeout` from the whole run only, not from a project: real browsers get their longer one here. */
jest.setTimeout(120_000);
