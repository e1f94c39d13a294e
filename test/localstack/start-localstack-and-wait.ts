import { startLocalStack } from '../../infra/localstack/localstack.ts';
import { busyProcess, frozenProcess, lambdaClient } from './function-under-test.ts';

/** A program that a test kills. It prints its process IDs and the directory of its LocalStack as one line of JSON. */
const localStack = await startLocalStack({ onProgress: () => {} });
const lambda = lambdaClient(localStack);
const pids = [localStack.pid, await frozenProcess(lambda), await busyProcess(lambda, localStack)];
console.log(JSON.stringify({ pids, directory: localStack.directory }));
setInterval(() => {}, 60_000);
