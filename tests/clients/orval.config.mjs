// The folder of the client and the address of the service come from the test.
const { FOLDER, SERVICE } = process.env;

export default {
  movierating: {
    input: `${SERVICE}/openapi.json`,
    output: { baseUrl: SERVICE, client: "fetch", target: `${FOLDER}/client.ts` },
  },
};
