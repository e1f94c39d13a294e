import type { DeployedDemo } from './deployed-demo.ts';

/** Commands to explore the deployed demo with. */
export function describeUse({ localStack, servers, deployment, functions }: DeployedDemo): string {
  const { mysql, redis } = servers;
  const variables = Object.entries(localStack.environment).map(([name, value]) => `${name}=${value}`);
  return `LocalStack listens at ${localStack.endpoint}. The functions are:

  poller    ${functions.poller}
  executor  ${functions.executor}

To use the commands below, or the AWS CLI, in another terminal, first run:

  unset AWS_PROFILE AWS_SESSION_TOKEN
  export ${variables.join(' ')}

Then, for example:

  npm run --silent consumer -- status --function ${functions.operations}
  npm run --silent consumer -- dead-letters list --function ${functions.operations}
  npm run --silent consumer -- dead-letters redrive --all --function ${functions.operations}
  npm run deploy -- -c config=${deployment.file} -c lazyConcurrency=20
  redis-cli -p ${redis.port}
  mariadb --host=${mysql.host} --port=${mysql.port} --user=${mysql.user} --password=${mysql.password} bee
`;
}

/** The command that stops the demo and removes its files. */
export function describeStop({ localStack, servers }: DeployedDemo): string {
  const { mysql, redis } = servers;
  const stopCommands = [localStack, redis, mysql].map(({ endCommand }) => endCommand).join('; ');
  const directories = [localStack, redis, mysql].map(({ directory }) => directory).join(' ');
  return `Everything keeps running. To stop it and remove its files:

  ${stopCommands}; sleep 1; rm -r ${directories}
`;
}
