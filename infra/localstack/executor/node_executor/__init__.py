"""Runs LocalStack's Lambda functions as Node processes of this machine.

plugin          what LocalStack finds, by its entry point
executor        one execution environment: its child process comes and goes, invocations pass through
invocation      one invocation of a child, from request to outcome
child_process   one Node process: started, frozen, thawed, ended
runtime_api     the Lambda Runtime API that this process speaks
events          what a child tells through it
invocation_log  the text that goes to CloudWatch Logs
processes       keeps book of the children, so that none outlives LocalStack
reaper          a program of its own that ends them then
start           LocalStack itself, started on its port
settings        environment variables that infra/localstack/localstack.ts sets
"""
