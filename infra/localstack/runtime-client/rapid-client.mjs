/**
 * Replaces `rapid-client.node`, the native part of aws-lambda-ric, which takes a minute and a C++ compiler to build.
 * Import it before that package (`node --import`): the package then loads this module instead.
 */
import { Agent, request } from 'node:http';
import { registerHooks } from 'node:module';

const invocationUrl = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation`;
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
let lastReply = Promise.resolve();

const hooks = registerHooks({
  resolve(specifier, context, nextResolve) {
    if (specifier !== './rapid-client.node') return nextResolve(specifier, context);
    hooks.deregister();
    return { url: import.meta.url, format: 'module', shortCircuit: true };
  },
});

/** Waits for the next invocation, after the previous reply has been delivered. The process is frozen while it waits. */
export async function next() {
  await lastReply;
  const { headers, body } = await exchange('GET', '/next', '');
  return { headers, bodyJson: body };
}

/** Sends the handler's result. {@link next} awaits the delivery, because the caller expects a synchronous function. */
export function done(invocationId, json) {
  lastReply = exchange('POST', `/${invocationId}/response`, json);
}

/** Sends the handler's error in the same way. */
export function error(invocationId, json) {
  lastReply = exchange('POST', `/${invocationId}/error`, json);
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
