/**
 * Stands in for `rapid-client.node`, the native part of aws-lambda-ric, which takes a minute and a C++ compiler to
 * build. To be imported before that package (`node --import`), which then gets this module in its place.
 */
import { Agent, request } from 'node:http';
import { registerHooks } from 'node:module';

const invocationUrl = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation`;
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
let lastAnswer = Promise.resolve();

const hooks = registerHooks({
  resolve(specifier, context, nextResolve) {
    if (specifier !== './rapid-client.node') return nextResolve(specifier, context);
    hooks.deregister();
    return { url: import.meta.url, format: 'module', shortCircuit: true };
  },
});

/** Waits for an invocation, once the answer to the one before has arrived: the process is frozen meanwhile. */
export async function next() {
  await lastAnswer;
  const { headers, body } = await exchange('GET', '/next', '');
  return { headers, bodyJson: body };
}

/** Gives the handler's result. Its arrival is awaited by {@link next}: the caller takes it for a synchronous call. */
export function done(invocationId, json) {
  lastAnswer = exchange('POST', `/${invocationId}/response`, json);
}

/** Gives the handler's error, in the same way. */
export function error(invocationId, json) {
  lastAnswer = exchange('POST', `/${invocationId}/error`, json);
}

function exchange(method, path, json) {
  const requestBody = Buffer.from(json);
  const headers = { 'Content-Type': 'application/json', 'Content-Length': requestBody.length };
  return new Promise((resolve, reject) => {
    const outgoing = request(invocationUrl + path, { method, agent, headers }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ headers: response.headers, body: Buffer.concat(chunks).toString() }),
      );
    });
    outgoing.on('error', reject);
    outgoing.end(requestBody);
  });
}
